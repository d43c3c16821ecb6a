/**
 * Deliveries that wait to be told how they ended. Such a delivery is `retry`, due when its time to wait is over, and its data says so:
 *
 *   awaiting  {"as": "open"}: it waits. Otherwise what it was told, which the next claim acts on: `done`, `skipped` or `failed`, with a reason
 *   told      the same, if it was told while its handler still ran: it counts as soon as the handler says that it waits
 */

export const AWAITED = `(job.data -> 'awaiting')`
export const IS_AWAITING = `(job.state = 'retry' and coalesce(job.data #>> '{awaiting,as}', '') = 'open')`

/**
 * SQL: the data of a delivery after an attempt that has ended with this outcome. A delivery that was put back (`later`) still waits. What it was
 * told outlives a failed attempt, because that attempt may have begun the work. But being told `failed` counts for one attempt only.
 */
export function awaitingAfter(outcome: string): string {
  return `case
            when ${outcome} = 'awaiting'
              then (job.data - 'told') || jsonb_build_object('awaiting', coalesce(job.data -> 'told', '{"as": "open"}'))
            when ${outcome} <> 'later' and job.data #>> '{told,as}' = 'failed' then job.data - 'told'
            when ${outcome} <> 'later' and job.data ? 'awaiting' then job.data - 'awaiting'
            else job.data end`
}
