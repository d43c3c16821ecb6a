/** Compares the schemas in the database with what this version of the code needs. Reads only. */
import { migrations } from '../../../../migrations/index.ts'
import { PostbusError } from '../../../errors.ts'
import type { Emit } from '../../../signals.ts'
import type { Queryable } from '../connection.ts'
import { FUNCTIONS_VERSION, installedFunctions } from '../functions/index.ts'
import { isGuardMissing } from '../queues/guard.ts'
import { missingIndexes } from '../queues/indexes.ts'
import { queuesToMove } from '../queues/move-queues.ts'
import { refuseEncoding } from './encoding.ts'
import { putOff } from './pg-boss-schema.ts'
import type { Tables } from './tables.ts'

/** The schema version of the pg-boss release that package.json pins; a test compares them. */
export const PGBOSS_SCHEMA_VERSION = 43

/** The oldest version that pg-boss can migrate from: the one of its release 11. */
const OLDEST_PGBOSS = 25

export interface SchemaReport {
  readonly postbus: {
    readonly schema: string
    readonly installed: boolean
    /** Migrations that this code has and the database lacks. */
    readonly missing: readonly string[]
    /** Migrations that the database has and this code lacks: the database was migrated by a newer release. */
    readonly unknown: readonly string[]
    readonly applied: number
  }
  readonly pgboss: { readonly schema: string; readonly found: number | null; readonly expected: number }
  readonly missingQueues: readonly string[]
  readonly missingIndexes: readonly string[]
  /** The functions of the schema were made by an older release. */
  readonly areFunctionsOutdated: boolean
  /** pg-boss's own workers could take deliveries: see `functions/guard.ts`. */
  readonly isGuardMissing: boolean
  /** Queues that an older release has given tables of their own. */
  readonly queuesToMove: readonly string[]
  /** Indexes whose building pg-boss has put off, by pg-boss's names for these commands. */
  readonly putOff: readonly string[]
}

export async function inspectSchema(
  database: Queryable,
  tables: Tables,
  queues: readonly string[],
): Promise<SchemaReport> {
  const present = await existing(database, [tables.migration, tables.pgbossVersion, tables.queue])
  const applied = present.has(tables.migration) ? await appliedMigrations(database, tables) : []
  const known = Object.keys(migrations(tables.names))
  const found = present.has(tables.pgbossVersion) ? await pgbossVersion(database, tables) : null
  if (found !== null && found < OLDEST_PGBOSS) throw tooOld(found, tables)
  const made = present.has(tables.queue) ? await madeQueues(database, tables) : []
  const old = present.has(tables.queue) ? await queuesToMove(database, tables) : []

  return {
    postbus: {
      schema: tables.names.postbus,
      installed: applied.length > 0,
      missing: known.filter((name) => !applied.includes(name)),
      unknown: applied.filter((name) => !known.includes(name)),
      applied: applied.length,
    },
    pgboss: { schema: tables.names.pgboss, found, expected: PGBOSS_SCHEMA_VERSION },
    missingQueues: queues.filter((queue) => !made.includes(queue)),
    missingIndexes: await missingIndexes(database, tables),
    areFunctionsOutdated: (await installedFunctions(database, tables)) < FUNCTIONS_VERSION,
    isGuardMissing: await isGuardMissing(database, tables),
    queuesToMove: old.map(({ name }) => name),
    putOff: (await putOff(database, tables)).map(({ name }) => name),
  }
}

/**
 * Refuses a database that lacks what this code needs. Accepts, with a warning, a database that a newer release has migrated:
 * migrations only add, and in a rolling deploy old processes start on a new schema.
 */
export async function checkSchema(database: Queryable, tables: Tables, emit: Emit): Promise<void> {
  await refuseEncoding(database)
  const { postbus, pgboss, areFunctionsOutdated } = await inspectSchema(database, tables, [])
  if (!postbus.installed) {
    const where = await databaseName(database)
    throw new PostbusError(
      'POSTBUS_SCHEMA_MISSING',
      `Schema "${postbus.schema}" is not installed in database "${where}". Run: npx postbus migrate`,
    )
  }
  if (postbus.missing.length > 0) {
    throw outdated(`Schema "${postbus.schema}" lacks ${postbus.missing.map((name) => `"${name}"`).join(', ')}`)
  }
  if (pgboss.found === null || pgboss.found < pgboss.expected) {
    throw outdated(
      `pg-boss's schema "${pgboss.schema}" has version ${pgboss.found ?? 'none'}, this code needs ${pgboss.expected}`,
    )
  }
  if (areFunctionsOutdated) {
    throw outdated(`The functions of schema "${postbus.schema}" were made by an older release than this one`)
  }
  if (postbus.unknown.length === 0 && pgboss.found === pgboss.expected) return
  emit('warn', 'schema.newer', 'The database was migrated by a newer release than this one; deploy it soon.', {
    unknownMigrations: postbus.unknown,
    pgbossVersion: pgboss.found,
  })
}

function tooOld(found: number, { names }: Tables): PostbusError {
  return new PostbusError(
    'POSTBUS_PGBOSS_TOO_OLD',
    `Schema "${names.pgboss}" was made by pg-boss 10 or older (its version is ${found}), and pg-boss can migrate only what release 11 or ` +
      'a later one has made. Give createBus() another `pgbossSchema`, which it installs beside the old one; or migrate the old one ' +
      'with pg-boss 11 first.',
  )
}

function outdated(what: string): PostbusError {
  return new PostbusError('POSTBUS_SCHEMA_OUTDATED', `${what}. Run: npx postbus migrate`)
}

async function existing(database: Queryable, names: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ name: string }>(
    'select name from unnest($1::text[]) as name where to_regclass(name) is not null',
    [names],
  )
  return new Set(rows.map((row) => row.name))
}

async function madeQueues(database: Queryable, tables: Tables): Promise<readonly string[]> {
  const { rows } = await database.query<{ name: string }>(`select name from ${tables.queue}`)
  return rows.map(({ name }) => name)
}

async function appliedMigrations(database: Queryable, tables: Tables): Promise<readonly string[]> {
  const { rows } = await database.query<{ name: string }>(`select name from ${tables.migration} order by name`)
  return rows.map((row) => row.name)
}

async function pgbossVersion(database: Queryable, tables: Tables): Promise<number | null> {
  const { rows } = await database.query<{ version: number }>(`select version from ${tables.pgbossVersion}`)
  return rows[0]?.version ?? null
}

async function databaseName(database: Queryable): Promise<string> {
  const { rows } = await database.query<{ name: string }>('select current_database() as name')
  return rows[0]?.name ?? ''
}
