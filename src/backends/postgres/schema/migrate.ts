/**
 * Brings a database to the schema this version of the code needs: our own migrations, pg-boss's, and the queues, under
 * one advisory lock, so that any number of processes may migrate at once.
 */
import { Kysely, PostgresDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { Pool } from 'pg'
import { PgBoss } from 'pg-boss'
import { migrations } from '../../../../migrations/index.ts'
import type { MigrateOptions, MigrateReport } from '../../../deliveries/operations.ts'
import type { Connection } from '../connection.ts'
import { createFunctions } from '../functions/index.ts'
import { buildIndexes } from '../queues/indexes.ts'
import { moveQueue, queuesToMove } from '../queues/move-queues.ts'
import { createQueues, refuseUsedQueues } from '../queues/queues.ts'
import { lockKey } from './advisory-locks.ts'
import { inspectSchema, type SchemaReport } from './schema-check.ts'
import type { Tables } from './tables.ts'

/** A migration may build an index on a large table, so its statements get more time than a worker's. */
const STATEMENT_TIMEOUT_MS = 15 * 60_000

/** Migrates, and waits for its turn if another process is at it. */
export async function migrate(
  connection: Connection,
  tables: Tables,
  queues: readonly string[],
  options: MigrateOptions = {},
): Promise<MigrateReport> {
  const pool = connection.separatePool({
    applicationName: 'postbus migrate',
    size: 3,
    statementMs: STATEMENT_TIMEOUT_MS,
  })
  try {
    if (options.dryRun) return { steps: stepsFor(await inspectSchema(pool, tables, queues)) }
    return await withLock(pool, tables, () => migrateLocked(pool, tables, queues, options))
  } finally {
    await pool.end()
  }
}

/** Holds a transaction-level lock on a connection of its own: it ends with that connection, whatever happens. */
async function withLock<Result>(pool: Pool, tables: Tables, work: () => Promise<Result>): Promise<Result> {
  const holder = await pool.connect()
  try {
    await holder.query('begin')
    await holder.query(`select pg_advisory_xact_lock(${lockKey('migrate', tables.names)})`)
    const result = await work()
    await holder.query('commit')
    return result
  } finally {
    holder.release(true)
  }
}

async function migrateLocked(
  pool: Pool,
  tables: Tables,
  queues: readonly string[],
  options: MigrateOptions,
): Promise<MigrateReport> {
  const report = await inspectSchema(pool, tables, queues)
  if (report.pgboss.found !== null) await refuseUsedQueues(pool, tables, queues)
  const steps = stepsFor(report)
  for (const step of steps) options.onStep?.(step)

  await pool.query(`create schema if not exists "${tables.names.postbus}"`)
  await withBoss(pool, tables, async (boss) => {
    // A database that a newer release has migrated has all of ours: Kysely would stumble over the ones it does not know.
    if (report.postbus.missing.length > 0) await runMigrations(pool, tables)
    await buildIndexes(pool, tables, report.missingIndexes)
    if (report.areFunctionsOutdated) await createFunctions(pool, tables)
    for (const queue of await queuesToMove(pool, tables)) await moveQueue(pool, tables, queue)
    await createQueues(boss, pool, tables, queues)
  })
  return { steps }
}

/** pg-boss migrates its own schema when it starts. Ours comes after it, because `publish` names its tables. */
async function withBoss(pool: Pool, tables: Tables, work: (boss: PgBoss) => Promise<void>): Promise<void> {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text, values) },
    schema: tables.names.pgboss,
    supervise: false,
    schedule: false,
  })
  boss.on('error', () => undefined) // what fails is thrown by the call that failed
  await boss.start()
  try {
    await work(boss)
  } finally {
    await boss.stop({ close: false, graceful: false })
  }
}

async function runMigrations(pool: Pool, tables: Tables): Promise<void> {
  const database = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: keptOpen(pool) }) })
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => migrations(tables.names) },
    migrationTableName: 'migration',
    migrationLockTableName: 'migration_lock',
    migrationTableSchema: tables.names.postbus,
  })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

/** Kysely ends the pool it was given when it is destroyed; this pool has other users. */
function keptOpen(pool: Pool) {
  return { connect: () => pool.connect(), end: async () => undefined, options: pool.options }
}

function stepsFor(report: SchemaReport): readonly string[] {
  const steps: string[] = []
  if (report.pgboss.found === null)
    steps.push(`install pg-boss schema ${report.pgboss.expected} in "${report.pgboss.schema}"`)
  else if (report.pgboss.found < report.pgboss.expected) {
    steps.push(
      `migrate pg-boss schema "${report.pgboss.schema}" from ${report.pgboss.found} to ${report.pgboss.expected}`,
    )
  }
  for (const name of report.postbus.missing) steps.push(`run migration ${name} in "${report.postbus.schema}"`)
  for (const name of report.missingIndexes) steps.push(`build index "${name}"`)
  if (report.areFunctionsOutdated) steps.push(`install the functions of "${report.postbus.schema}"`)
  for (const queue of report.queuesToMove) steps.push(`move queue "${queue}" to the table that queues share`)
  for (const queue of report.missingQueues) steps.push(`create queue "${queue}"`)
  return steps
}
