/**
 * Shows and moves the cursors of handlers that read the log. A cursor that is moved keeps its owner and gets a new fence. The owner notices
 * this with its next beat, lets running deliveries end, and begins at the new position of the cursor. No other worker can take it meanwhile.
 */
import { parseAct } from '../../../deliveries/acts.ts'
import { logHandlerNamed, logMoveTo, logSkipTo, type Log, type LogProgress } from '../../../deliveries/log-cursors.ts'
import { PostbusError } from '../../../errors.ts'
import { parseOptions } from '../../../parse-options.ts'
import type { Queryable } from '../connection.ts'
import { IS_CHANGING } from '../functions/log-leases.ts'
import type { Tables } from '../schema/tables.ts'
import { forgetCompleted } from '../log/completed-after.ts'
import { operating, type OperatorParts } from './operating.ts'

/** No more events than these are counted. */
const MOST_COUNTED = 100_000

export function logIn({ connection, tables, registry }: OperatorParts): Log {
  const { look, actAtOnce } = operating(connection, tables)
  const storedName = async (name: string) => (await registry.load()).names.handlers.stored(name)
  return Object.freeze({
    async list() {
      const { handlers } = (await registry.load()).names
      const found = await look((pool) => listProgress(pool, tables))
      return found.map((one) => ({ ...one, handler: handlers.shown(one.handler) }))
    },
    async rewind(given, how) {
      const { handler, to } = parseOptions('log.rewind()', logMoveTo, given)
      const name = await storedName(handler)
      return actAtOnce(parseAct('log.rewind', how), given, async (within) =>
        move(within, tables, { handler: name, next: await seqOf(within, tables, to), isBack: true }),
      )
    },
    async skipTo(given, how) {
      const { handler, to } = parseOptions('log.skipTo()', logSkipTo, given)
      const name = await storedName(handler)
      return actAtOnce(parseAct('log.skipTo', how), given, async (within) =>
        move(within, tables, {
          handler: name,
          next: to === 'end' ? await endOf(within, tables) : await seqOf(within, tables, to),
          isBack: false,
        }),
      )
    },
    async forget(given, how) {
      const { handler } = parseOptions('log.forget()', logHandlerNamed, given)
      const name = await storedName(handler)
      return actAtOnce(parseAct('log.forget', how), given, (within) => forget(within, tables, name))
    },
  } satisfies Log)
}

/** The handlers have their stored names. */
export async function listProgress(database: Queryable, tables: Tables): Promise<readonly LogProgress[]> {
  const { rows } = await database.query<
    Omit<LogProgress, 'lag'> & { readonly events: number; readonly seconds: number }
  >(`${progressOf(tables)} order by events desc, one.handler`)
  return rows.map(({ events, seconds, ...row }) => ({ ...row, lag: { events, seconds } }))
}

/** SQL: how far each handler that reads the log has come. */
export function progressOf({ event, logCursor, logHandler }: Tables): string {
  return `select one.handler, one.shards, ${CHANGE} as change, one.phase_since as "changingSince", cursors.read, cursors.position::text as position, cursors.moved_at as "movedAt",
      (select count(*)::integer from (
        select from ${event} event where event.seq > cursors.position limit ${MOST_COUNTED}
      ) behind) as events,
      coalesce((
        select greatest(0, extract(epoch from clock_timestamp() - event.published_at))::float8 from ${event} event
        where event.seq > cursors.position order by event.seq limit 1
      ), 0) as seconds
    from ${logHandler} one cross join lateral (
      select min(cursor.position) as position, min(cursor.moved_at) as moved_at, count(cursor.owner)::integer as read
      from ${logCursor} cursor where cursor.handler = one.handler
    ) cursors
    where not one.is_forgotten and cursors.position is not null`
}

/** SQL: what the handler is changing to; null if it is not changing. */
const CHANGE = `case when not ${IS_CHANGING} then null when one.wanted = 'job' then 'to job' when one.mode <> 'log' or one.zone_from is not null then 'to log'
      else 'to ' || coalesce(one.wanted_shards, one.shards) || ' shards' end`

interface Move {
  readonly handler: string
  /** The seq of the event that comes next. */
  readonly next: string
  readonly isBack: boolean
}

/**
 * Back: every shard gets a new fence, even if its stored position is not past the event yet: its owner may have run events that it has not
 * acknowledged. Forward: a shard that is further already stays where it is.
 */
async function move(within: Queryable, tables: Tables, { handler, next, isBack }: Move): Promise<number> {
  await refuseChanging(within, tables, handler)
  await refuseUnknown(within, tables, handler)
  const to = '$2::bigint - 1'
  const { rows } = await within.query(
    `update ${tables.logCursor} one set position = ${isBack ? `least(one.position, ${to})` : to}, fence = one.fence + 1, deaths = 0,
      moved_at = clock_timestamp()
    where one.handler = $1 ${isBack ? '' : `and one.position < ${to}`} returning one.shard`,
    [handler, next],
  )
  if (isBack) {
    await within.query(
      `update ${tables.logHandler} one set history_to = least(one.history_to, $2::bigint - 1) where one.handler = $1`,
      [handler, next],
    )
    await forgetCompleted(within, tables, { handler, after: Number(next) - 1 })
  }
  return rows.length
}

async function forget(within: Queryable, tables: Tables, handler: string): Promise<number> {
  await refuseChanging(within, tables, handler)
  await refuseUnknown(within, tables, handler)
  await refuseInUse(within, tables, handler)
  await within.query(`update ${tables.logHandler} one set is_forgotten = true where one.handler = $1`, [handler])
  const { rows } = await within.query(
    `delete from ${tables.logCursor} one where one.handler = $1 returning one.shard`,
    [handler],
  )
  return rows.length
}

async function refuseUnknown(within: Queryable, tables: Tables, handler: string): Promise<void> {
  const { rows } = await within.query(
    `select from ${tables.logHandler} one where one.handler = $1 and one.mode <> 'job' and not one.is_forgotten`,
    [handler],
  )
  if (rows.length > 0) return
  throw new PostbusError(
    'POSTBUS_UNKNOWN_HANDLER',
    `No handler that is named "${handler}" reads the log. Those that do: npx postbus log list`,
  )
}

/** During a change, the position of a cursor decides which events have deliveries: it must not be moved. */
async function refuseChanging(within: Queryable, { logHandler }: Tables, handler: string): Promise<void> {
  const { rows } = await within.query(`select from ${logHandler} one where one.handler = $1 and ${IS_CHANGING}`, [
    handler,
  ])
  if (rows.length === 0) return
  throw new PostbusError(
    'POSTBUS_DELIVERY_CHANGED',
    `Handler "${handler}" is changing its delivery or its number of shards, and its cursors cannot be moved meanwhile. Try again when the change is over. See: npx postbus log list`,
  )
}

/** At its next start, such a handler would begin at the end of the log, and lose the events in between. Workers beat every second. */
async function refuseInUse(within: Queryable, { logReader }: Tables, handler: string): Promise<void> {
  const { rows } = await within.query(
    `select from ${logReader} one where $1 = any(one.handlers) and one.seen_at > clock_timestamp() - interval '1 minute'`,
    [handler],
  )
  if (rows.length === 0) return
  throw new PostbusError(
    'POSTBUS_HANDLER_IN_USE',
    `A worker reads the log for "${handler}", or did a minute ago. Take the handler out of the code, deploy that, and forget it then.`,
  )
}

async function seqOf(within: Queryable, tables: Tables, id: string): Promise<string> {
  const { rows } = await within.query<{ seq: string }>(`select seq::text as seq from ${tables.event} where id = $1`, [
    id,
  ])
  if (rows[0]) return rows[0].seq
  throw new PostbusError(
    'POSTBUS_NO_SUCH_EVENT',
    `Event ${id} is not stored, or not any more. See: npx postbus events list`,
  )
}

/** The seq that the next published event gets. */
async function endOf(within: Queryable, tables: Tables): Promise<string> {
  const { rows } = await within.query<{ next: string }>(
    `select (case when one.is_called then one.last_value + 1 else one.last_value end)::text as next from ${tables.eventSeq} one`,
  )
  return rows[0]?.next ?? '1'
}
