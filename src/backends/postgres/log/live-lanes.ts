/** Finds which keys of a handler have live deliveries, each time in a statement of its own, whose snapshot is taken after the question. */
import { laneKey, partitionKeyOfLane } from '../../../deliveries/lane-key.ts'
import type { LiveLane } from '../../../deliveries/log-reading.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import { partitionedQueue } from '../../../names.ts'
import type { Queryable } from '../connection.ts'
import { headOf, inQueue } from '../functions/lane-rows.ts'
import { LIVE_IN_LANE } from '../functions/sql.ts'
import { storedNameOf } from '../record/log-reader.ts'
import type { Tables } from '../schema/tables.ts'
import { hashOf } from './read-piece.ts'

/** The keys of these shards that have live deliveries. It steps from lane to lane, so a long lane costs no more than a short one. */
export async function lanesOf(
  database: Queryable,
  tables: Tables,
  handler: AnyHandler,
  { of, wanted }: { readonly of: number; readonly wanted: readonly number[] },
): Promise<readonly LiveLane[]> {
  const next = (after: string) => `select job.singleton_key as lane from ${tables.delivery} job
        where ${inQueue('job', '$1::text')} and job.singleton_key > ${after} and job.singleton_key < $3::text and ${LIVE_IN_LANE}
        order by hashtext(job.name), job.singleton_key limit 1`
  const name = storedNameOf(handler)
  const { rows } = await database.query<LiveLane>(
    `with recursive walked as (
      (${next('$2::text')})
      union all
      select following.lane from walked cross join lateral (${next('walked.lane')}) following
    )
    select found.name, found.shard from (
      select ${partitionKeyOfLane('walked.lane')} as name, ${hashOf(partitionKeyOfLane('walked.lane'))} % $4::integer as shard from walked
    ) found where found.shard = any($5::integer[])`,
    [partitionedQueue(handler.options.queue), `${name}:`, `${name};`, of, wanted],
  )
  return rows
}

export async function liveOf(
  database: Queryable,
  tables: Tables,
  handler: AnyHandler,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const lanes = new Map(keys.map((key) => [laneKey({ handler: storedNameOf(handler), partitionKey: key }), key]))
  const { rows } = await database.query<{ lane: string }>({
    name: 'log-live',
    text: `select asked.lane from unnest($2::text[]) as asked (lane) cross join lateral (
      ${headOf(tables, { queue: '$1::text', lane: 'asked.lane' }, 'job.id')}
    ) head`,
    values: [partitionedQueue(handler.options.queue), [...lanes.keys()]],
  })
  return new Set(rows.map(({ lane }) => lanes.get(lane) ?? ''))
}
