/**
 * Which commits wait until the log is on the disk.
 *
 * A commit that does not wait is seen by everyone at once, and is on the disk a moment later: up to three times
 * `wal_writer_delay`, 0.6 s as Postgres comes. A crash of the server undoes it if it falls into that moment. The log is lost
 * from its end only: a commit that waits for the disk takes along everything that was committed before it.
 *
 * | commit                                          | waits | because                                                     |
 * |-------------------------------------------------|-------|-------------------------------------------------------------|
 * | publish without `tx`                            | yes   | what was answered to the publisher may not be gone          |
 * | publish with `tx`                               | –     | it is the caller's transaction, and the caller's choice     |
 * | claim, settle of a partitioned queue            | yes   | a lane would step back and run what it has handed on from   |
 * | claim of a plain queue                          | no    | undone, the delivery waits as before and is claimed again   |
 * | settle of a plain queue: done, retry, later     | no    | undone, the delivery is taken over and run again            |
 * | settle of a plain queue with a dead letter      | yes   | people act on a dead letter as soon as they hear of it      |
 * | heartbeat, recovery, sweep, worker list         | yes   | rare; and a heartbeat that is undone is a claim that is lost |
 * | operators' acts, migrations                     | yes   | people do them once                                         |
 *
 * A claim that was undone is known to its worker, whose handler runs on, and the delivery can be claimed by another one.
 * Neither may end the other's attempt: see `claimOf` in `functions/sql.ts`.
 */

/**
 * What `synchronous_commit` is set to for our statements: their commits wait, also where the server, the database or the role has another
 * default. It raises nothing else: with `local`, `remote_write` or `remote_apply` a commit waits for this disk too.
 */
export const COMMITS_WAIT = `case
  when pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'off' then 'local'
  else pg_catalog.current_setting('synchronous_commit') end`

/**
 * Selects from a function in a transaction of its own whose commit does not wait. The setting lasts until that commit; a
 * function's own SET clause would be undone before it.
 */
export function withoutWaiting(call: string): string {
  return `select answer.* from ${call} answer, set_config('synchronous_commit', 'off', true)`
}
