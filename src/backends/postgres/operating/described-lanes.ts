/** Describes a lane for an operator: its head, since when the head waits or is dead, how many wait behind it, whether the lane is paused. */
import { handlerOfLane, partitionKeyOfLane } from '../../../deliveries/lane-key.ts'
import type { Lane } from '../../../deliveries/lanes.ts'
import { IS_AWAITING } from '../functions/awaiting.ts'
import { inQueue } from '../functions/lane-rows.ts'
import { LIVE_IN_LANE } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

/** `micros`: `since` to the microsecond, which a `Date` cannot hold. */
export type LaneRow = Lane & { readonly micros: string }

export function laneOf({ micros: _micros, ...lane }: LaneRow): Lane {
  return lane
}

/** SQL that describes the lanes whose heads `heads` selects, as `id`, in the queue `$1`. */
export function describedLanes(tables: Tables, heads: string): string {
  const siblings = `from ${tables.delivery} sibling where ${inQueue('sibling', '$1')} and sibling.singleton_key`
  const live = LIVE_IN_LANE.replaceAll('job.', 'sibling.')
  return `
    select head.queue, head.handler, head."partitionKey", head.state, head."deliveryId", head."eventId", head."eventType",
      head.since, head."dueAt", head.errors, (extract(epoch from head.since) * 1000000)::bigint::text as micros,
      (select count(*)::integer - 1 ${siblings} = head.lane and ${live}) as behind,
      exists (
        select from ${tables.pause} one where one.until > clock_timestamp() and (one.kind, one.name) in (
          ('lane', head.lane), ('handler', head.handler), ('queue', regexp_replace(head.queue, '_partitioned$', ''))
        )
      ) as "isPaused"
    from (
      select job.name as queue, job.singleton_key as lane, job.id as "deliveryId",
        ${handlerOfLane('job.singleton_key')} as handler,
        ${partitionKeyOfLane('job.singleton_key')} as "partitionKey",
        event.id as "eventId", coalesce(event.type, job.data ->> 'type') as "eventType",
        coalesce(letter.died_at, event.published_at, job.created_on) as since,
        nullif(job.start_after, 'infinity') as "dueAt",
        case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end as errors,
        case
          when exists (select ${siblings} = job.singleton_key and ${live} and sibling.state = 'active') then 'running'
          when job.start_after = 'infinity' then 'blocked'
          when ${IS_AWAITING} then 'awaiting'
          when job.state = 'retry' and job.start_after > ${tables.jobNow} and job.started_on is not null then 'retrying'
          else 'waiting' end as state
      from (${heads}) found
      cross join lateral (
        select * from ${tables.delivery} job where job.name = $1 and job.id = found.id and job.state < 'completed'
        offset 0 -- one look for each head, also where statistics are old: a join of all with all takes a minute for 20,000 lanes
      ) job
      left join ${tables.event} event on event.seq = ${tables.seqOfDelivery}(job.id)
      left join ${tables.deadLetter} letter on letter.delivery_id = job.id and letter.dismissed_at is null
    ) head`
}
