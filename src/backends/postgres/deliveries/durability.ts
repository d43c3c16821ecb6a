/**
 * Which commits wait until the server's write-ahead log is on the disk.
 *
 * A commit that does not wait is visible to everyone at once, and is on the disk a moment later: after at most three times
 * `wal_writer_delay`, by default 0.6 s. If the server crashes in that moment, the commit is undone. A crash loses only the end
 * of the log: a commit that waits for the disk also brings all earlier commits to the disk.
 *
 * | commit                                          | waits | because                                                     |
 * |-------------------------------------------------|-------|-------------------------------------------------------------|
 * | publish without `tx`                            | yes   | an event that `publish` has confirmed must not be lost      |
 * | publish with `tx`                               | –     | it is the caller's transaction, and the caller's choice     |
 * | claim, settle of a partitioned queue            | yes   | if undone, the lane would go back to an earlier delivery    |
 * | claim of a plain queue                          | no    | if undone, the delivery waits, and is claimed again         |
 * | settle of a plain queue: done, retry, later     | no    | if undone, the delivery is taken over and run again         |
 * | settle of a plain queue with a dead letter      | yes   | people act on a dead letter as soon as they hear of it      |
 * | heartbeat, recovery, sweep, worker list         | yes   | rare; and an undone heartbeat would lose its claim          |
 * | operators' acts, migrations                     | yes   | people do them once                                         |
 *
 * When a claim is undone, its worker does not know: its handler runs on, while another worker can claim the delivery. Neither
 * worker may end the other's attempt: see `claimOf` in `functions/sql.ts`.
 */

/**
 * The value of `synchronous_commit` for our statements: their commits wait, even if the default of the server, the database or the role is
 * `off`. Other values stay: with `local`, `remote_write` or `remote_apply` a commit waits for this disk too.
 */
export const COMMITS_WAIT = `case
  when pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'off' then 'local'
  else pg_catalog.current_setting('synchronous_commit') end`

/**
 * Selects from a function in a transaction of its own, whose commit does not wait. The setting lasts until that commit; the SET
 * clause of a function would end before it.
 */
export function withoutWaiting(call: string): string {
  return `select answer.* from ${call} answer, set_config('synchronous_commit', 'off', true)`
}
