/**
 * Reads and writes `log_handler`: creates the cursors of a new handler, and stores which mode a definition wants. Only a migration changes
 * the wanted mode. A worker uses the mode that it finds there, even if its own code says otherwise: old and new workers run side by side, and
 * must do the same.
 */
import type { LogSubscription } from '../../../deliveries/log-reading.ts'
import type { MigrateOptions } from '../../../deliveries/operations.ts'
import { PostbusError } from '../../../errors.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import { isLogHandler, shardsOf } from '../../../handlers/log-delivery.ts'
import { runsInPublish } from '../../../handlers/transactional.ts'
import type { Queryable } from '../connection.ts'
import { SUBSCRIPTION } from '../functions/log-leases.ts'
import { functionName, HANDLER } from '../functions/sql.ts'
import { queuesOf, storedNameOf } from '../record/log-reader.ts'
import { stretchBetween } from '../record/log-places.ts'
import type { Tables } from '../schema/tables.ts'

/** The subscriptions of these handlers, in the same order; `null` for a handler that has deliveries. */
export async function prepareCursors(
  database: Queryable,
  tables: Tables,
  handlers: readonly AnyHandler[],
  { fromTheStart = false }: { readonly fromTheStart?: boolean } = {},
): Promise<readonly (LogSubscription | null)[]> {
  const known = await subscriptions(database, tables)
  const prepared: (LogSubscription | null)[] = []
  for (const handler of handlers) {
    const one = known.get(storedNameOf(handler))
    if (one) prepared.push(isLogHandler(handler) || one.mode !== 'job' || one.isChanging ? one : null)
    else prepared.push(isLogHandler(handler) ? await subscribe(database, tables, { handler, fromTheStart }) : null)
  }
  return prepared
}

interface Beginning extends MigrateOptions {
  /** Whether this code may change handlers that exist. New handlers begin in any case. */
  readonly mayChange: boolean
}

/** For a migration: creates the cursors of new handlers, and stores what the others want. Returns the steps in words. */
export async function beginReading(
  database: Queryable,
  tables: Tables,
  handlers: readonly AnyHandler[],
  { dryRun = false, onStep, mayChange }: Beginning,
): Promise<readonly string[]> {
  const known = await subscriptionsIfAny(database, tables)
  const wishes: { readonly handler: AnyHandler; readonly step: string }[] = []
  for (const handler of handlers.filter((one) => !runsInPublish(one))) {
    const found = known.get(storedNameOf(handler))
    const isFormer =
      !found && isLogHandler(handler) && known !== NOTHING && (await hadDeliveries(database, tables, handler))
    const step = isFormer ? fromDeliveries(handler) : stepOf(handler, found)
    if (step === null || (!mayChange && found)) continue
    if (found || isFormer) await refuseUnfilled(database, tables, handler)
    wishes.push({ handler, step })
  }
  const steps = wishes.map(({ step }) => step)
  if (dryRun) return steps
  for (const step of steps) onStep?.(step)
  for (const { handler } of wishes) {
    if (known.has(storedNameOf(handler))) await want(database, tables, handler)
    else await subscribe(database, tables, { handler, fromTheStart: false })
  }
  if (wishes.length > 0) await database.query(`select ${functionName(tables, 'raise_delivery_epoch')}()`)
  return steps
}

/** A backfill works with deliveries. The change would stop it, and the rest of the history would never be handled. */
async function refuseUnfilled(database: Queryable, { backfill }: Tables, handler: AnyHandler): Promise<void> {
  const { rows } = await database.query(`select from ${backfill} one where one.handler = $1 and one.ended_at is null`, [
    storedNameOf(handler),
  ])
  if (rows.length === 0) return
  throw new PostbusError(
    'POSTBUS_DELIVERY_CHANGED',
    `Handler "${handler.name}" cannot change how it gets its events before its backfill has ended. See: npx postbus replay list. Migrate again then.`,
  )
}

/** What a migration does for a handler, in words; `null` if there is nothing to do. */
function stepOf(handler: AnyHandler, known: Wanted | undefined): string | null {
  const { name } = handler
  const wants = isLogHandler(handler) ? 'log' : 'job'
  if (!known) return wants === 'log' ? `let handler "${name}" read the log from here on` : null
  if (known.wanted !== wants)
    return wants === 'log' ? fromDeliveries(handler) : `let handler "${name}" go from the log to deliveries`
  if (wants === 'job' || known.wantedShards === shardsOf(handler)) return null
  return `let handler "${name}" read the log in ${shardsOf(handler)} shards`
}

function fromDeliveries({ name }: AnyHandler): string {
  return `let handler "${name}" go from deliveries to the log`
}

async function want(database: Queryable, tables: Tables, handler: AnyHandler): Promise<void> {
  const wants = isLogHandler(handler) ? 'log' : 'job'
  const shards = wants === 'log' ? shardsOf(handler) : null
  await database.query(`select ${functionName(tables, 'log_want')}($1, $2, $3)`, [storedNameOf(handler), wants, shards])
}

const NOTHING: ReadonlyMap<string, Wanted> = new Map()

/** Returns no subscriptions before the first migration, when there is no table. */
async function subscriptionsIfAny(database: Queryable, tables: Tables): Promise<ReadonlyMap<string, Wanted>> {
  const { rows } = await database.query<{ isThere: boolean }>(`select to_regclass($1) is not null as "isThere"`, [
    tables.logHandler,
  ])
  return rows[0]?.isThere ? subscriptions(database, tables) : NOTHING
}

interface Wanted extends LogSubscription {
  readonly wanted: 'job' | 'log'
  readonly wantedShards: number
  /** Stretches of the log that the handler has read in the past. */
  readonly eras: readonly { readonly after: number; readonly upTo: number }[]
}

export async function subscriptions(database: Queryable, tables: Tables): Promise<ReadonlyMap<string, Wanted>> {
  const { rows } = await database.query<{ one: Wanted }>(
    `select json_build_object(${SUBSCRIPTION}, 'wanted', one.wanted, 'wantedShards', coalesce(one.wanted_shards, one.shards),
      'eras', (select coalesce(json_agg(json_build_object('after', lower(era) - 1, 'upTo', upper(era) - 1)), '[]') from unnest(one.eras) era)) as one
    from ${tables.logHandler} one where not one.is_forgotten`,
  )
  return new Map(rows.map(({ one }) => [one.handler, one]))
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
  if (!fromTheStart && (await hadDeliveries(database, tables, handler))) {
    await want(database, tables, handler)
    await database.query(`select ${functionName(tables, 'raise_delivery_epoch')}()`)
    return subscriptionOf(database, tables, handler)
  }
  const after = fromTheStart ? '0' : await beginning(database, tables, handler)
  await database.query(`select ${functionName(tables, 'log_begin')}($1, $2, $3, $4)`, [
    name,
    shardsOf(handler),
    after,
    handler.options.backfill !== undefined,
  ])
  return subscriptionOf(database, tables, handler)
}

async function subscriptionOf(database: Queryable, tables: Tables, handler: AnyHandler): Promise<LogSubscription> {
  const made = (await subscriptions(database, tables)).get(storedNameOf(handler))
  if (made) return made
  throw new PostbusError('POSTBUS_ROWS_CHANGED', `The cursors of handler "${handler.name}" are gone. Try it again.`)
}

/** The seq after which the handler's backfill begins; `null` for the end of the log, if it has no backfill. */
async function beginning(database: Queryable, tables: Tables, { options }: AnyHandler): Promise<string | null> {
  if (!options.backfill) return null
  const filter = { since: options.backfill.since }
  return (await stretchBetween(database, tables, filter)).after
}

/** Whether the handler had deliveries before it ever read the log. A handler that has read the log, even a forgotten one, begins as a new one. */
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
