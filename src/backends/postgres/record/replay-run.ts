/** Runs a replay in this process, batch after batch, until the end of its part of the log. */
import { performance, sleep } from '../../../clock.ts'
import type { CheckedLogFilter } from '../../../deliveries/log-filter.ts'
import type { ReplayProgress } from '../../../deliveries/replays.ts'
import { PostbusError } from '../../../errors.ts'
import { isOrdered } from '../../../handlers/pace.ts'
import type { Queryable } from '../connection.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { chosen, readsPayloads, type Choosing } from './choose.ts'
import { BATCH, hasRoom, receiverValues } from './log-reader.ts'
import { readLog } from './read-log.ts'
import { progress } from './replay-rows.ts'

/** How often a replay that is paused, or has to wait for workers, looks again. */
const LOOK_AGAIN_MS = 250
/** A slow replay gives a few events several times a second, and not many events after a long pause. */
const BATCHES_PER_SECOND = 4

export interface ReplayRunParts {
  readonly database: Queryable
  readonly tables: Tables
  readonly choosing: Choosing
  readonly filter: CheckedLogFilter
  readonly ratePerSecond: number | undefined
  readonly id: string
  /** The id of this run. When another process goes on with the replay, the replay gets another runner, and this run ends. */
  readonly runner: string
  readonly after: bigint
  readonly upTo: bigint
  /** Aborted when the bus is closed. */
  readonly over: AbortSignal
}

/** Resolves when the replay is done or cancelled. */
export async function runReplay(parts: ReplayRunParts): Promise<ReplayProgress> {
  const { database, tables, choosing, id, upTo, over } = parts
  let { after } = parts
  while (!over.aborted) {
    const state = await stateNow(parts)
    if (state !== 'paused' && (state !== 'running' || after >= upTo)) break
    if (state === 'paused' || !(await hasRoom(database, tables, choosing.handler))) {
      await sleep(LOOK_AGAIN_MS, over)
      continue
    }
    const began = performance.now()
    const moved = await giveBatch(parts, after)
    if (moved === null) continue
    after = moved.upTo
    await sleep(Math.max(0, moved.count * msPerEvent(parts) - (performance.now() - began)), over)
  }
  if (over.aborted) throw closed(id)
  await finish(parts)
  return progress(database, tables, id)
}

/** Returns null when the replay is not running here: it was paused, cancelled or taken over. */
async function giveBatch(parts: ReplayRunParts, after: bigint): Promise<{ upTo: bigint; count: number } | null> {
  const { database, tables, choosing, filter, ratePerSecond, id, runner } = parts
  const most = ratePerSecond === undefined ? BATCH : Math.min(BATCH, Math.ceil(ratePerSecond / BATCHES_PER_SECOND))
  const range = { after, upTo: parts.upTo }
  const { events, upTo } = await readLog(database, tables, filter, {
    range,
    most,
    withPayload: readsPayloads(choosing),
  })
  const seqs = chosen(events, choosing).map(({ seq }) => seq)
  const { rows } = await database.query<{ replayed: number; retried: number }>(
    `select replayed, retried from ${functionName(tables, 'replay_batch')}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      id,
      ...receiverValues(choosing.handler),
      runner,
      String(after),
      String(upTo),
      seqs,
      events.length,
      isOrdered(choosing.handler),
    ],
  )
  const given = rows[0]
  return given ? { upTo, count: given.replayed + given.retried } : null
}

/** @throws {PostbusError} `POSTBUS_REPLAY_TAKEN_OVER`. */
async function stateNow({ database, tables, id, runner }: ReplayRunParts): Promise<string> {
  const { rows } = await database.query<{ state: string; isOurs: boolean }>(
    `select state, runner = $2 as "isOurs" from ${tables.replay} where id = $1`,
    [id, runner],
  )
  if (rows[0]?.isOurs) return rows[0].state
  throw new PostbusError('POSTBUS_REPLAY_TAKEN_OVER', `Replay ${id} goes on in another process.`)
}

async function finish({ database, tables, id, runner }: ReplayRunParts): Promise<void> {
  await database.query(
    `update ${tables.replay} set state = 'done', ended_at = ${tables.clock} where id = $1 and runner = $2 and state = 'running'`,
    [id, runner],
  )
}

function msPerEvent({ ratePerSecond }: ReplayRunParts): number {
  return ratePerSecond === undefined ? 0 : 1_000 / ratePerSecond
}

function closed(id: string): PostbusError {
  return new PostbusError(
    'POSTBUS_CLOSED',
    `The bus was closed while replay ${id} ran. It goes on where it was with bus.replays.resume('${id}'), or: npx postbus replay --resume ${id}`,
  )
}
