/**
 * Rewinds a lane, in three steps. It pauses the lane. It waits until no delivery of the lane runs. In one transaction, it writes all
 * deliveries that come back, records the act, and ends the pause. If this process dies, the pause ends by itself after a while.
 */
import { delay, performance } from '../../../clock.ts'
import type { Act } from '../../../deliveries/acts.ts'
import { laneKey } from '../../../deliveries/lane-key.ts'
import type { LaneName, RewindTo } from '../../../deliveries/lanes.ts'
import { lanePause } from '../../../deliveries/pauses.ts'
import { PostbusError } from '../../../errors.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import type { Registry } from '../../../handlers/registry.ts'
import { isLogHandler } from '../../../handlers/log-delivery.ts'
import { isOrdered } from '../../../handlers/pace.ts'
import { queueOfEvent, storedName } from '../../../names.ts'
import type { Database, Queryable } from '../connection.ts'
import { handlerHash } from '../deliveries/handler-hash.ts'
import { runningIn } from '../functions/lane-rows.ts'
import { functionName } from '../functions/sql.ts'
import { queueLockKey } from '../schema/advisory-locks.ts'
import type { Tables } from '../schema/tables.ts'
import type { NoteAct } from './act-log.ts'
import { resume } from './pauses.ts'

/** Longer than the last step can take: that step has the time limit of a statement. */
const PAUSED_FOR = `interval '2 minutes'`
const LONGEST_WAIT_MS = 10_000
const LOOK_EVERY_MS = 50

interface Rewinding extends Pick<Act, 'by'> {
  readonly handler: AnyHandler
  readonly to: RewindTo
  readonly note: NoteAct
}

/**
 * @throws {PostbusError} `POSTBUS_UNKNOWN_HANDLER`, because the queue and the priority of the handler are needed; `POSTBUS_READS_THE_LOG`;
 * `POSTBUS_INVALID_OPTIONS` when the handler has no lanes.
 */
export function handlerOf(registry: Registry, { handler: name }: LaneName): AnyHandler {
  const handler = registry.handlerNamed(name)
  if (handler && isLogHandler(handler)) throw readsTheLog(name)
  if (handler && !isOrdered(handler)) throw keepsNoOrder(name)
  if (handler) return handler
  const known = registry.handlers.map((one) => one.name).join(', ')
  throw new PostbusError('POSTBUS_UNKNOWN_HANDLER', `No handler of this bus is named "${name}". It has: ${known}.`)
}

function readsTheLog(name: string): PostbusError {
  return new PostbusError(
    'POSTBUS_READS_THE_LOG',
    `Handler "${name}" reads the log, so there are no deliveries of one key to do again. Move all of its cursors: npx postbus log rewind ${name} --to EVENT-ID`,
  )
}

function keepsNoOrder(name: string): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `Handler "${name}" has \`ordered: false\`, so it has no lanes to rewind. Replay the events: npx postbus replay --handler ${name}`,
  )
}

/** A renamed handler's deliveries and lanes are stored under its first name. */
function storedLane({ name, previousNames }: AnyHandler, { partitionKey }: LaneName): LaneName {
  return { handler: storedName(name, previousNames), partitionKey }
}

/** Returns how many deliveries come back. */
export async function rewindLane(database: Database, tables: Tables, rewinding: Rewinding): Promise<number> {
  const { handler, to, note, by } = rewinding
  const from = await seqOf(database, tables, to)
  const isOurs = await pauseForAWhile(database, tables, storedLane(handler, to), by)
  try {
    await untilIdle(database, tables, handler, to)
    return await database.transaction(async (within) => {
      const count = await rewind(within, tables, { handler, to, from, isPreview: false, endsPause: isOurs })
      await note(within, count)
      return count
    })
  } catch (error) {
    if (isOurs) await database.transaction((within) => resume(within, tables, lanePause(storedLane(handler, to))))
    throw error
  }
}

export async function previewRewind(database: Database, tables: Tables, handler: AnyHandler, to: RewindTo) {
  const from = await seqOf(database, tables, to)
  return rewind(database, tables, { handler, to, from, isPreview: true, endsPause: false })
}

/** The id of the event of a lane's oldest open dead letter. */
export async function oldestDeadOf(
  database: Queryable,
  tables: Tables,
  handler: AnyHandler,
  { partitionKey }: LaneName,
): Promise<string | null> {
  const { rows } = await database.query<{ id: string }>(
    `select event_id as id from ${tables.deadLetter}
    where dismissed_at is null and handler = any($1) and partition_key = $2 and event_id is not null order by delivery_id limit 1`,
    [[...handler.previousNames, handler.name], partitionKey],
  )
  return rows[0]?.id ?? null
}

async function seqOf(database: Queryable, tables: Tables, { partitionKey, from }: RewindTo): Promise<string> {
  const { rows } = await database.query<{ seq: string; key: string | null }>(
    `select seq::text, partition_key as key from ${tables.event} where id = $1`,
    [from],
  )
  const event = rows[0]
  if (event?.key === partitionKey) return event.seq
  const found = event ? `has ${event.key === null ? 'no key' : `key "${event.key}"`}` : 'is not stored (any more)'
  const message = `Event ${from} ${found}, expected an event of key "${partitionKey}" to rewind to.`
  throw new PostbusError('POSTBUS_NO_SUCH_EVENT', message)
}

/** Pauses the lane, if it is not paused. Returns whether the pause is ours: an operator's pause stays when the rewind is done. */
async function pauseForAWhile(
  database: Queryable,
  tables: Tables,
  lane: LaneName,
  by: string | null,
): Promise<boolean> {
  const { kind, name } = lanePause(lane)
  const { rows } = await database.query(
    `insert into ${tables.pause} as one (kind, name, by, reason, until) values ($1, $2, $3, 'being rewound', clock_timestamp() + ${PAUSED_FOR})
    on conflict (kind, name) do update set until = excluded.until, by = excluded.by, paused_at = excluded.paused_at
    where one.until <= clock_timestamp()
    returning true`,
    [kind, name, by],
  )
  if (rows.length > 0) return true
  const { rows: found } = await database.query(
    `select from ${tables.pause} where kind = $1 and name = $2 and until = 'infinity'`,
    [kind, name],
  )
  if (found.length > 0) return false
  throw new PostbusError(
    'POSTBUS_LANE_RUNS',
    `Key "${lane.partitionKey}" of "${lane.handler}" is being rewound already.`,
  )
}

/** Waits until claims and settles that began before the pause have ended, and the deliveries that they handed out too. */
async function untilIdle(database: Database, tables: Tables, handler: AnyHandler, lane: RewindTo): Promise<void> {
  const queue = queueOfEvent(handler, lane.partitionKey)
  const over = performance.now() + LONGEST_WAIT_MS
  while (!(await isIdle(database, tables, queue, laneKey(storedLane(handler, lane))))) {
    if (performance.now() > over) throw runsOn(lane)
    await delay(LOOK_EVERY_MS)
  }
}

/** Waits behind the claims that are under way, then looks: every later claim knows the pause. */
async function isIdle(database: Database, tables: Tables, queue: string, lane: string): Promise<boolean> {
  return database.transaction(async (within) => {
    await within.query(`select pg_advisory_xact_lock(${queueLockKey('claim', tables.names, '$1::text')})`, [queue])
    const running = runningIn(tables, { queue: '$1', lane: '$2' })
    const { rows } = await within.query(running, [queue, lane])
    return rows.length === 0
  })
}

function runsOn({ handler, partitionKey }: LaneName): PostbusError {
  return new PostbusError(
    'POSTBUS_LANE_RUNS',
    `Handler "${handler}" has been running a delivery of key "${partitionKey}" for more than ${LONGEST_WAIT_MS / 1_000} s. Nothing was rewound. ` +
      'Pause the key, and rewind it when that has ended.',
  )
}

async function rewind(
  within: Queryable,
  tables: Tables,
  how: Pick<Rewinding, 'handler' | 'to'> & {
    readonly from: string
    readonly isPreview: boolean
    readonly endsPause: boolean
  },
): Promise<number> {
  const { options } = how.handler
  const { handler: name } = storedLane(how.handler, how.to)
  const { rows } = await within.query<{ count: number }>(
    `select ${functionName(tables, 'rewind')}($1, $2, $3, $4, $5, $6::bigint, $7, $8) as count`,
    [
      name,
      handlerHash(name),
      queueOfEvent(how.handler, how.to.partitionKey),
      -options.priority,
      how.to.partitionKey,
      how.from,
      how.isPreview,
      how.endsPause,
    ],
  )
  return rows[0]?.count ?? 0
}
