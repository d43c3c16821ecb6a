/**
 * Brings a database to the schema this version of the code needs: our own migrations, pg-boss's, and the queues, under
 * one advisory lock, so that any number of processes may migrate at once. If there is nothing to do, no table is locked.
 */
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import type { Pool } from 'pg'
import { migrations } from '../../../../migrations/index.ts'
import type { MigrateOptions } from '../../../deliveries/operations.ts'
import type { Connection } from '../connection.ts'
import { createFunctions } from '../functions/index.ts'
import { createGuard } from '../queues/guard.ts'
import { buildIndexes } from '../queues/indexes.ts'
import { moveQueue, queuesToMove } from '../queues/move-queues.ts'
import { createQueues, refuseUnfitQueues, refuseUsedQueues } from '../queues/queues.ts'
import { refuseEncoding } from './encoding.ts'
import { AS_A_GUEST, untilLocked, watchWaits } from './lock-waits.ts'
import { withMigrationLock } from './migration-lock.ts'
import { stepsFor } from './migration-steps.ts'
import { buildPutOffIndexes, hasSchema, migratePgBoss, withPgBoss } from './pg-boss-schema.ts'
import { inspectSchema, type SchemaReport } from './schema-check.ts'
import type { Tables } from './tables.ts'

/** A migration may build an index on a large table, so its statements get more time than a worker's. */
const STATEMENT_TIMEOUT_MS = 15 * 60_000

interface Migrating {
  readonly pool: Pool
  readonly tables: Tables
  readonly queues: readonly string[]
}

/** Migrates, and waits for its turn if another process is migrating. Returns the steps that were taken; with `dryRun`, the steps to take. */
export async function migrate(
  connection: Connection,
  tables: Tables,
  queues: readonly string[],
  options: MigrateOptions = {},
): Promise<readonly string[]> {
  const pool = connection.separatePool({
    applicationName: 'postbus migrate',
    size: 4,
    statementMs: STATEMENT_TIMEOUT_MS,
  })
  const endWatch = watchWaits(pool, (what) => options.onWait?.(what))
  try {
    const what = { pool, tables, queues }
    if (options.dryRun) return stepsFor(await inspect(what))
    return await withMigrationLock(pool, tables, () => migrateLocked(what, options))
  } finally {
    await endWatch()
    await pool.end()
  }
}

/** Finds what is missing. Throws if the database has a fault that no migration can repair. */
async function inspect({ pool, tables, queues }: Migrating): Promise<SchemaReport> {
  await refuseEncoding(pool)
  const report = await inspectSchema(pool, tables, queues)
  if (report.pgboss.found === null) return report
  await refuseUsedQueues(pool, tables, queues)
  const areQueuesOurs = report.postbus.missing.length === 0 && report.queuesToMove.length === 0
  if (areQueuesOurs) await refuseUnfitQueues(pool, tables, queues)
  return report
}

async function migrateLocked(what: Migrating, options: MigrateOptions): Promise<readonly string[]> {
  const { pool, tables, queues } = what
  const report = await inspect(what)
  const steps = stepsFor(report)
  for (const step of steps) options.onStep?.(step)
  if (steps.length === 0) return steps

  await migratePgBoss(pool, tables, report.pgboss)
  if (!(await hasSchema(pool, tables.names.postbus))) {
    await pool.query(`create schema if not exists "${tables.names.postbus}"`)
  }
  // After a newer release has migrated, none of ours is missing. Kysely must not run then: it fails on migrations that it does not know.
  if (report.postbus.missing.length > 0) await runMigrations(pool, tables)
  await buildIndexes(pool, tables, report.missingIndexes)
  const areFunctionsMissing = report.areFunctionsOutdated || report.isGuardMissing
  if (areFunctionsMissing) await createFunctions(pool, tables)
  if (report.isGuardMissing) await createGuard(pool, tables)
  for (const queue of await queuesToMove(pool, tables)) await moveQueue(pool, tables, queue)
  await withPgBoss(pool, tables, (boss) => createQueues(boss, pool, tables, queues))
  await buildPutOffIndexes(pool, tables)
  return steps
}

async function runMigrations(pool: Pool, tables: Tables): Promise<void> {
  const database = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: keptOpen(pool) }) })
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => withBriefLocks(migrations(tables.names)) },
    migrationTableName: 'migration',
    migrationLockTableName: 'migration_lock',
    migrationTableSchema: tables.names.postbus,
  })
  await untilLocked('run its migrations', async () => {
    const { error } = await migrator.migrateToLatest() // all of them in one transaction
    if (error) throw error
  })
}

function withBriefLocks(all: Record<string, Migration>): Record<string, Migration> {
  const brief = ({ up }: Migration): Migration => ({
    async up(db) {
      await sql.raw(AS_A_GUEST).execute(db)
      await up(db)
    },
  })
  return Object.fromEntries(Object.entries(all).map(([name, migration]) => [name, brief(migration)]))
}

/** A pool that Kysely cannot end. A Kysely that is destroyed ends its pool, and this pool has other users. */
function keptOpen(pool: Pool) {
  return { connect: () => pool.connect(), end: async () => undefined, options: pool.options }
}
