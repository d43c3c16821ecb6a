/**
 * Stores what a service registers for SQL publishers. A service replaces what it has registered itself, and nothing else.
 *
 *   digest ──► the same as stored? nothing to do
 *          ──► the same as a former one? an older deploy: the stored registry is kept
 *          ──► nothing in common with the stored registry? another service of the same name: the stored registry is kept
 *          ──► otherwise written, in one transaction; the digest that was stored becomes a former one
 *
 * With `replaceRegistry`, a registry that would be kept is replaced: for example after a deploy was rolled back.
 */
import type { MigrateOptions } from '../../../deliveries/operations.ts'
import type { Database, Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import type { Registered } from './registered.ts'

export interface Registering {
  readonly service: string
  readonly registered: Registered
}

/** `step`: what was registered, in words. `kept`: why the stored registry was kept. Both `null`: nothing had to be done. */
export interface RegisterReport {
  readonly step: string | null
  readonly kept: string | null
}

const NOTHING: RegisterReport = Object.freeze({ step: null, kept: null })

export async function register(
  database: Database,
  tables: Tables,
  what: Registering,
  { dryRun = false, replaceRegistry = false, onStep }: MigrateOptions,
): Promise<RegisterReport> {
  const isEmpty = what.registered.types.length === 0
  if (isEmpty && !replaceRegistry) return NOTHING // a bus that only publishes or reads
  const verdict = dryRun ? await foreseen(database, tables, what) : await standing(database, tables, what)
  if (verdict === 'same' || (verdict === 'new' && isEmpty)) return NOTHING
  if ((verdict === 'older' || verdict === 'stranger') && !replaceRegistry)
    return { step: null, kept: reasons(what.service)[verdict] }

  const step = stepOf(what)
  if (dryRun) return { step, kept: null }
  onStep?.(step)
  await database.transaction((within) => write(within, tables, what))
  return { step, kept: null }
}

/** Whether the registry was written by a newer deploy or by another service, and is kept. Then this code may not change handlers either. */
export async function isOutdated(
  database: Queryable,
  tables: Tables,
  what: Registering,
  { replaceRegistry = false }: MigrateOptions,
): Promise<boolean> {
  if (replaceRegistry) return false
  const verdict = await foreseen(database, tables, what)
  return verdict === 'older' || verdict === 'stranger'
}

function stepOf({ registered: { types, subscriptions } }: Registering): string {
  const names = new Set(types.map(({ type }) => type)).size
  const handlers = new Set(subscriptions.map(({ handler }) => handler)).size
  const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
  return `register ${counted(names, 'event type')} and ${counted(handlers, 'handler')} for SQL publishers`
}

function reasons(service: string) {
  const mend = 'If this is the code that is to count, run: npx postbus migrate --replace-registry'
  return {
    older: `What SQL may publish was registered by a newer deploy of service "${service}", and is kept. ${mend}`,
    stranger:
      `What SQL may publish is registered for service "${service}" by code that has nothing in common with this one, and is kept. ` +
      `Services that share a schema need a name each: createBus({ service }). ${mend}`,
  }
}

type Verdict = 'new' | 'same' | 'older' | 'stranger' | 'changed'

/** Before the first migration there is no table. */
async function foreseen(database: Queryable, tables: Tables, what: Registering): Promise<Verdict> {
  const { rows } = await database.query<{ isThere: boolean }>(`select to_regclass($1) is not null as "isThere"`, [
    tables.registry,
  ])
  return rows[0]?.isThere ? standing(database, tables, what) : 'new'
}

async function standing(
  database: Queryable,
  { registry, formerRegistry, registeredType, subscription }: Tables,
  { service, registered: { digest, types, subscriptions } }: Registering,
): Promise<Verdict> {
  const { rows } = await database.query<{ same: boolean; older: boolean; common: boolean }>(
    `select one.digest = $2 as same,
      exists (select from ${formerRegistry} former where former.service = $1 and former.digest = $2) as older,
      exists (select from ${registeredType} known where known.service = $1 and known.type = any($3::text[])) or
      exists (select from ${subscription} known where known.service = $1 and known.handler = any($4::text[])) or
      not exists (select from ${registeredType} known where known.service = $1) as common
    from ${registry} one where one.service = $1`,
    [service, digest, types.map(({ type }) => type), subscriptions.map(({ handler }) => handler)],
  )
  const [found] = rows
  if (!found) return 'new'
  if (found.same) return 'same'
  if (found.older) return 'older'
  return found.common || types.length === 0 ? 'changed' : 'stranger'
}

/** Locks the row of the service first: of two migrations at once, the second replaces what the first has written. */
async function write(within: Queryable, tables: Tables, { service, registered }: Registering): Promise<void> {
  const { registry, formerRegistry, registeredType, subscription } = tables
  await within.query(`insert into ${registry} (service, digest) values ($1, '') on conflict (service) do nothing`, [
    service,
  ])
  await within.query(`select from ${registry} one where one.service = $1 for update`, [service])
  await within.query(
    `insert into ${formerRegistry} (service, digest)
    select one.service, one.digest from ${registry} one where one.service = $1 and one.digest not in ('', $2)
    on conflict (service, digest) do update set registered_at = excluded.registered_at`,
    [service, registered.digest],
  )
  await within.query(
    `update ${registry} one set digest = $2, registered_at = clock_timestamp() where one.service = $1`,
    [service, registered.digest],
  )
  await within.query(`delete from ${formerRegistry} former where former.service = $1 and former.digest = $2`, [
    service,
    registered.digest,
  ])
  await within.query(`delete from ${registeredType} one where one.service = $1`, [service])
  await within.query(`delete from ${subscription} one where one.service = $1`, [service])
  for (const [table, rows] of [
    [registeredType, registered.types],
    [subscription, registered.subscriptions],
  ] as const) {
    const list = JSON.stringify(rows.map((row) => ({ service, ...row })))
    await within.query(`insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1::jsonb)`, [list])
  }
}
