/**
 * The keys of our advisory locks, as SQL. All keys are made in this file, so that different locks have different keys, and
 * all users of one lock have the same key.
 *
 * | lock      | held by                             | for                                                            |
 * |-----------|-------------------------------------|----------------------------------------------------------------|
 * | migrate   | `migrate`                           | one migration of a schema at a time                            |
 * | coming    | a publisher, until it has committed | a claim learns from it that a commit is still missing          |
 * | notifying | one of these publishers             | of publishers that commit together, only one notifies          |
 * | claim     | a claim of a partitioned queue      | claims of lanes take turns                                     |
 * | limits    | a claim with limits for the cluster | what a claim has counted stays true until it claims            |
 */
import type { SchemaNames } from '../../../../migrations/schema-names.ts'

type Lock = 'migrate' | 'coming' | 'notifying' | 'claim' | 'limits'

/** The key of a lock for the whole installation. */
export function lockKey(lock: Lock, names: SchemaNames): string {
  return `hashtextextended('${prefix(lock, names)}', 0)`
}

/** The key of a queue's lock. `queue` is an SQL expression for the queue's name. */
export function queueLockKey(lock: Lock, names: SchemaNames, queue: string): string {
  return `hashtextextended('${prefix(lock, names)} ' || ${queue}, 0)`
}

/** Locks of claims have the name of pg-boss's schema, because claims compete for its table of deliveries. The others have ours. */
function prefix(lock: Lock, { postbus, pgboss }: SchemaNames): string {
  return `postbus ${lock} ${lock === 'claim' || lock === 'limits' ? pgboss : postbus}`
}
