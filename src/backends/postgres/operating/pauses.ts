/** Pauses and resumes handlers, queues and lanes. How claims obey a pause is in `functions/pauses.ts`. */
import type { Act } from '../../../deliveries/acts.ts'
import { handlerOfLane, partitionKeyOfLane } from '../../../deliveries/lane-key.ts'
import type { LaneName } from '../../../deliveries/lanes.ts'
import {
  lanePause,
  pauseAfter,
  pauseCursor,
  pausable,
  pauseName,
  pausePage,
  type Pause,
  type PauseName,
  type PausePage,
  type Pauses,
} from '../../../deliveries/pauses.ts'
import { parseAct } from '../../../deliveries/acts.ts'
import { PostbusError } from '../../../errors.ts'
import type { Registry } from '../../../handlers/registry.ts'
import { partitionedQueue } from '../../../names.ts'
import { parseOptions } from '../../../parse-options.ts'
import type { Queryable } from '../connection.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { operating, type OperatorParts } from './operating.ts'

export function pausesIn({ connection, tables, registry }: OperatorParts): Pauses {
  const { look, actAtOnce } = operating(connection, tables)
  return Object.freeze({
    async pause(given, how) {
      const what = parseOptions('pause()', pausable, given)
      const act = parseAct('pause', how)
      const known = await registry.load()
      return actAtOnce(act, what, async (within) => {
        if (what.handler !== undefined) await refuseUnknownHandler(within, tables, known, what.handler)
        if (what.queue !== undefined) await refuseUnknownQueue(within, tables, known, what.queue)
        return pause(within, tables, storedPause(known, pauseName(what)), act)
      })
    },
    async resume(given, how) {
      const what = parseOptions('resume()', pausable, given)
      const act = parseAct('resume', how)
      const known = await registry.load()
      return actAtOnce(act, what, (within) => resume(within, tables, storedPause(known, pauseName(what))))
    },
    async pauses(given = {}) {
      const { cursor, limit } = parseOptions('pauses()', pausePage, given)
      const { handlers } = (await registry.load()).names
      const page = await look((pool) => listPauses(pool, tables, pauseAfter(cursor), limit))
      const pauses = page.pauses.map((one) => ({ ...one, handler: one.handler && handlers.shown(one.handler) }))
      return { ...page, pauses }
    },
  } satisfies Pauses)
}

/** A renamed handler is paused under the name that its deliveries have. */
function storedPause({ names }: Registry, { kind, name }: PauseName): PauseName {
  return { kind, name: kind === 'handler' ? names.handlers.stored(name) : name }
}

export function pauseOfLane({ names }: Registry, { handler, partitionKey }: LaneName): PauseName {
  return lanePause({ handler: names.handlers.stored(handler), partitionKey })
}

/** Returns 0 when it was paused already. A pause with an end, such as that of a rewind, becomes one without an end. */
export async function pause(
  within: Queryable,
  tables: Tables,
  { kind, name }: PauseName,
  { by, reason }: Pick<Act, 'by' | 'reason'>,
): Promise<number> {
  const { rows } = await within.query(
    `insert into ${tables.pause} as one (kind, name, by, reason) values ($1, $2, $3, $4)
    on conflict (kind, name) do update set until = 'infinity', by = excluded.by, reason = excluded.reason, paused_at = excluded.paused_at
    where one.until < 'infinity'
    returning true`,
    [kind, name, by, reason],
  )
  return rows.length
}

export async function resume(within: Queryable, tables: Tables, { kind, name }: PauseName): Promise<number> {
  const { rows } = await within.query<{ was: boolean }>(`select ${functionName(tables, 'resume')}($1, $2) as was`, [
    kind,
    name,
  ])
  return rows[0]?.was ? 1 : 0
}

export async function listPauses(
  database: Queryable,
  tables: Tables,
  after: PauseName | null,
  limit: number,
): Promise<PausePage> {
  const { rows } = await database.query<Pause & PauseName>(
    `select one.kind, one.name,
      case one.kind when 'handler' then one.name when 'lane' then ${handlerOfLane('one.name')} end as handler,
      case one.kind when 'queue' then one.name end as queue,
      case one.kind when 'lane' then ${partitionKeyOfLane('one.name')} end as "partitionKey",
      one.by, one.reason, one.paused_at as "pausedAt"
    from ${tables.pause} one
    where one.until > clock_timestamp() and ($1::text is null or (one.kind, one.name) > ($1, $2::text))
    order by one.kind, one.name limit $3`,
    [after?.kind ?? null, after?.name ?? null, limit + 1],
  )
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    pauses: shown.map(({ handler, queue, partitionKey, by, reason, pausedAt }) => ({
      handler,
      queue,
      partitionKey,
      by,
      reason,
      pausedAt,
    })),
    cursor: rows.length > limit && last ? pauseCursor(last) : null,
  }
}

/** A name that nothing knows is a typing mistake: to pause it would do nothing, but would look successful. */
export async function refuseUnknownHandler(
  database: Queryable,
  tables: Tables,
  registry: Registry,
  handler: string,
): Promise<void> {
  if (registry.handlerNamed(handler)) return
  const { rows } = await database.query(
    `select from ${tables.handler} one where one.name = $1
    union all select from ${tables.worker} one where $1 = any(one.handlers)
    union all select from ${tables.deadLetter} one where one.handler = $1 limit 1`,
    [handler],
  )
  if (rows.length > 0) return
  throw new PostbusError(
    'POSTBUS_UNKNOWN_HANDLER',
    `No handler is named "${handler}": this bus has none, no worker has, and none has ever ended a delivery. See: npx postbus doctor`,
  )
}

async function refuseUnknownQueue(database: Queryable, tables: Tables, registry: Registry, queue: string) {
  if (registry.queues.includes(queue)) return
  const { rows } = await database.query(`select from ${tables.ownQueue} where name = any($1)`, [
    [queue, partitionedQueue(queue)],
  ])
  if (rows.length > 0) return
  throw new PostbusError(
    'POSTBUS_QUEUE_MISSING',
    `Queue "${queue}" does not exist in this database, and no handler uses it. Queues of the handlers: ${registry.queues.join(', ')}.`,
  )
}
