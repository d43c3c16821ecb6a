/** What replays and backfills share: they wait until the handler's queue has room, and give the database the same values of a handler. */
import { sleep } from '../../../clock.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import { partitionedQueue, storedName } from '../../../names.ts'
import type { Queryable } from '../connection.ts'
import { handlerHash } from '../deliveries/handler-hash.ts'
import { FRESH, HANDLER } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { moveWatermark, NO_WATERMARK } from './watermark.ts'

/** The largest number of events in one transaction. */
export const BATCH = 500
/**
 * The limit for old deliveries of one handler that may wait at a time: new deliveries of the handler wait behind them. Deliveries that are parked
 * in their lane, or are due later, do not count: no other delivery waits behind them.
 */
const MOST_WAITING = 1_000
const LOOKED_AT = 20_000

/** The first arguments of `replay_batch` and `backfill_batch`. */
export function receiverValues(handler: AnyHandler): readonly unknown[] {
  const name = storedNameOf(handler)
  return [name, handlerHash(name), handler.options.queue, -handler.options.priority]
}

/** A renamed handler is stored under its first name. */
export function storedNameOf({ name, previousNames }: AnyHandler): string {
  return storedName(name, previousNames)
}

export function queuesOf({ options }: AnyHandler): readonly string[] {
  return [options.queue, partitionedQueue(options.queue)]
}

/** Whether the handler may get more deliveries now. */
export async function hasRoom(database: Queryable, tables: Tables, handler: AnyHandler): Promise<boolean> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::integer as count from unnest($1::text[]) as used (queue) cross join lateral (
      select ${HANDLER} as handler from ${tables.delivery} job where ${FRESH} and job.name = used.queue
      order by job.name, job.priority desc, job.created_on limit ${LOOKED_AT}
    ) job where job.handler = $2`,
    [queuesOf(handler), storedNameOf(handler)],
  )
  return (rows[0]?.count ?? 0) < MOST_WAITING
}

/** The end of the log at this moment: no event that was committed before this call is above it. Waits for transactions that still run. */
export async function endOfLog(database: Queryable, tables: Tables, over: AbortSignal): Promise<bigint> {
  let watermark = await moveWatermark(database, tables, NO_WATERMARK)
  while (watermark.bound !== null && !over.aborted) {
    await sleep(50, over)
    watermark = await moveWatermark(database, tables, watermark)
  }
  return watermark.seq
}
