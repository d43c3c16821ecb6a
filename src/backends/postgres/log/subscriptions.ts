/** The cursors of handlers that read the log: made when a handler is new, and refused when its definition says something else than before. */
import type { LogSubscription } from '../../../deliveries/log-reading.ts'
import type { MigrateOptions } from '../../../deliveries/operations.ts'
import { PostbusError } from '../../../errors.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import { isLogHandler, shardsOf } from '../../../handlers/log-delivery.ts'
import type { Queryable } from '../connection.ts'
import { functionName, HANDLER } from '../functions/sql.ts'
import { queuesOf, storedNameOf } from '../record/log-reader.ts'
import { stretchBetween } from '../record/log-places.ts'
import type { Tables } from '../schema/tables.ts'

/** The subscriptions of these handlers, in their order. */
export async function prepareCursors(
  database: Queryable,
  tables: Tables,
  handlers: readonly AnyHandler[],
  { fromTheStart = false }: { readonly fromTheStart?: boolean } = {},
): Promise<readonly LogSubscription[]> {
  const known = await subscriptions(database, tables)
  const subscribed: LogSubscription[] = []
  for (const handler of handlers) {
    const found = known.get(storedNameOf(handler)) ?? (await subscribe(database, tables, { handler, fromTheStart }))
    if (found.shards !== shardsOf(handler)) throw otherShards(handler, found)
    subscribed.push(found)
  }
  return subscribed
}

/** Refuses handlers that read the log before and have deliveries now: what is read and what is published would overtake each other. */
export async function refuseFormerReaders(
  database: Queryable,
  tables: Tables,
  handlers: readonly AnyHandler[],
): Promise<void> {
  refuseFormer(handlers, await subscriptions(database, tables))
}

function refuseFormer(handlers: readonly AnyHandler[], known: ReadonlyMap<string, LogSubscription>): void {
  const former = handlers.find((handler) => !isLogHandler(handler) && known.has(storedNameOf(handler)))
  if (former) throw formerReader(former)
}

/** For a migration: makes the cursors of handlers that have none, so that they get what is published from now on. Returns the steps. */
export async function beginReading(
  database: Queryable,
  tables: Tables,
  handlers: readonly AnyHandler[],
  { dryRun = false, onStep }: MigrateOptions,
): Promise<readonly string[]> {
  const wanted = handlers.filter(isLogHandler)
  const known = await subscriptionsIfAny(database, tables)
  refuseFormer(handlers, known)
  const steps = wanted
    .filter((handler) => !known.has(storedNameOf(handler)))
    .map(({ name }) => `let handler "${name}" read the log from here on`)
  if (dryRun) return steps
  for (const step of steps) onStep?.(step)
  await prepareCursors(database, tables, wanted)
  return steps
}

/** Before the first migration there is no table. */
async function subscriptionsIfAny(database: Queryable, tables: Tables): Promise<ReadonlyMap<string, LogSubscription>> {
  const { rows } = await database.query<{ isThere: boolean }>(`select to_regclass($1) is not null as "isThere"`, [
    tables.logHandler,
  ])
  return rows[0]?.isThere ? subscriptions(database, tables) : new Map()
}

export async function subscriptions(
  database: Queryable,
  tables: Tables,
): Promise<ReadonlyMap<string, LogSubscription>> {
  const { rows } = await database.query<LogSubscription>(
    `select handler, shards, history_to::float8 as "historyTo", id as "historyId" from ${tables.logHandler} where not is_forgotten`,
  )
  return new Map(rows.map((row) => [row.handler, row]))
}

interface Subscribing {
  readonly handler: AnyHandler
  readonly fromTheStart: boolean
}

async function subscribe(
  database: Queryable,
  tables: Tables,
  { handler, fromTheStart }: Subscribing,
): Promise<LogSubscription> {
  const name = storedNameOf(handler)
  if (!fromTheStart && (await hadDeliveries(database, tables, handler))) throw formerReceiver(handler)
  const after = fromTheStart ? '0' : await beginning(database, tables, handler)
  await database.query(`select ${functionName(tables, 'log_begin')}($1, $2, $3, $4)`, [
    name,
    shardsOf(handler),
    after,
    handler.options.backfill !== undefined,
  ])
  const made = (await subscriptions(database, tables)).get(name)
  if (made) return made
  throw new PostbusError('POSTBUS_ROWS_CHANGED', `The cursors of handler "${handler.name}" are gone. Try it again.`)
}

/** Behind this seq its backfill begins; `null`: at the end of the log, for it has none. */
async function beginning(database: Queryable, tables: Tables, { options }: AnyHandler): Promise<string | null> {
  if (!options.backfill) return null
  const filter = { since: options.backfill.since }
  return (await stretchBetween(database, tables, filter)).after
}

/** Whether it has had any that were not of events which it had read before. One that was forgotten may begin once more. */
async function hadDeliveries(database: Queryable, tables: Tables, handler: AnyHandler): Promise<boolean> {
  const name = storedNameOf(handler)
  const { rows } = await database.query(
    `select from (
      (select from ${tables.handler} one where one.name = $1)
      union all
      (select from ${tables.deadLetter} one where one.handler = $1 limit 1)
      union all
      (select from ${tables.delivery} job where job.name = any($2::text[]) and job.state < 'completed' and ${HANDLER} = $1 limit 1)
    ) had where not exists (select from ${tables.logHandler} one where one.handler = $1) limit 1`,
    [name, queuesOf(handler)],
  )
  return rows.length > 0
}

const RENAME = 'Give it a new name, without `previousNames`, and let the old one run dry beside it'

function formerReceiver({ name }: AnyHandler): PostbusError {
  return new PostbusError(
    'POSTBUS_DELIVERY_CHANGED',
    `Handler "${name}" has had deliveries before, and its definition says \`delivery: 'log'\`: what waits and what is read could overtake each other. ${RENAME}.`,
  )
}

function formerReader({ name }: AnyHandler): PostbusError {
  return new PostbusError(
    'POSTBUS_DELIVERY_CHANGED',
    `Handler "${name}" has read the log before, and its definition says \`delivery: 'job'\`: what it has not read would be lost to it. ${RENAME}.`,
  )
}

function otherShards(handler: AnyHandler, { shards }: LogSubscription): PostbusError {
  const wanted = shardsOf(handler)
  return new PostbusError(
    'POSTBUS_DELIVERY_CHANGED',
    `Handler "${handler.name}" reads the log in ${shards} shards, and its definition says ${wanted}: a key would change its place in the middle. ` +
      `Write \`shards: ${shards}\`, or give it a new name.`,
  )
}
