/**
 * Tells a claim that a publisher is committing at this moment. Of publishers that commit together only one wakes the workers
 * (see `publish.ts`), and the claim may see its commit before the others'.
 *
 *   publisher   holds `coming`, shared, from before it decides whether to notify until its commit can be seen
 *   claim       asks whether a publisher holds it, and only then looks at the queue: if none does, the claim sees all commits so far
 *
 * If a publisher holds it, the worker claims again a moment later.
 */
import { queueLockKey } from '../schema/advisory-locks.ts'
import type { Tables } from '../schema/tables.ts'

/** SQL: whether a publisher is committing to this queue. Ask it in an earlier statement than the one that looks. Keeps no lock. */
export function isComing({ names }: Tables, queue: string): string {
  const lock = queueLockKey('coming', names, queue)
  return `case when pg_try_advisory_lock(${lock}) then not pg_advisory_unlock(${lock}) else true end`
}
