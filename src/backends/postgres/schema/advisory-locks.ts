/**
 * The keys of our advisory locks, as SQL. All are made here, so that two things that must not meet have different keys, and
 * two that must have the same.
 *
 * | lock      | held by                             | for                                                            |
 * |-----------|-------------------------------------|----------------------------------------------------------------|
 * | migrate   | `migrate`                           | one migration of a schema at a time                            |
 * | coming    | a publisher, until it has committed | a claim that looks meanwhile knows that it has not seen all    |
 * | notifying | one of those publishers             | of those that commit together, one notifies                    |
 * | claim     | a claim of a partitioned queue      | claims of lanes take turns                                     |
 * | limits    | a claim with limits for the cluster | what one claim has counted is still true when it claims        |
 */
import type { SchemaNames } from '../../../../migrations/schema-names.ts'

type Lock = 'migrate' | 'coming' | 'notifying' | 'claim' | 'limits'

/** The key of a lock of this installation as a whole. */
export function lockKey(lock: Lock, names: SchemaNames): string {
  return `hashtextextended('${prefix(lock, names)}', 0)`
}

/** The key of a queue's lock. `queue` is an SQL expression: the queue's name. */
export function queueLockKey(lock: Lock, names: SchemaNames, queue: string): string {
  return `hashtextextended('${prefix(lock, names)} ' || ${queue}, 0)`
}

/** Claims meet at the table of deliveries, which is pg-boss's; publishers at ours. */
function prefix(lock: Lock, { postbus, pgboss }: SchemaNames): string {
  return `postbus ${lock} ${lock === 'claim' || lock === 'limits' ? pgboss : postbus}`
}
