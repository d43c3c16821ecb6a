/**
 * Deliveries that wait to be told how they ended. Such a one is `retry`, due when its time is over, and says so in its data:
 *
 *   awaiting  {"as": "open"}: it waits. Or what it was told, and what the next claim makes of it: `done`, `skipped` or `failed`, with a reason
 *   told      the same, of one that was told while its handler still ran: it counts as soon as the handler says that it waits
 */

export const AWAITED = `(job.data -> 'awaiting')`
export const IS_AWAITING = `(job.state = 'retry' and coalesce(job.data #>> '{awaiting,as}', '') = 'open')`

/**
 * Its data after an attempt that has ended with this outcome, in SQL. What was put back (`later`) still waits. What it was told outlives a failed
 * attempt, which may have been the one that began it, but a failure counts for one attempt only.
 */
export function awaitingAfter(outcome: string): string {
  return `case
            when ${outcome} = 'awaiting'
              then (job.data - 'told') || jsonb_build_object('awaiting', coalesce(job.data -> 'told', '{"as": "open"}'))
            when ${outcome} <> 'later' and job.data #>> '{told,as}' = 'failed' then job.data - 'told'
            when ${outcome} <> 'later' and job.data ? 'awaiting' then job.data - 'awaiting'
            else job.data end`
}
