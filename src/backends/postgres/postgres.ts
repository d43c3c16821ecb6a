/** Everything the bus does with Postgres, put together from a bus's options. */
import type { DeadLetters, Finding, Lanes, MigrateOptions, MigrateReport } from '../../deliveries/operations.ts'
import type { Registry } from '../../handlers/registry.ts'
import type { Emit } from '../../signals.ts'
import { createConnection, type Connection, type Database } from './connection.ts'
import type { Given } from './connections/given.ts'
import { countDeadLetters, discardDeadLetters, listDeadLetters, retryDeadLetters } from './operating/dead-letters.ts'
import { examine } from './operating/doctor.ts'
import { explainConnectionError, explainDatabaseError } from '../../transactions/database-error.ts'
import { listLanes, retryLane, showLane, skipLane } from './operating/lanes.ts'
import { migrate } from './schema/migrate.ts'
import { createPostgresBackend, type PostgresBackend } from './postgres-backend.ts'
import { tablesIn, type Tables } from './schema/tables.ts'

export interface PostgresSettings extends Given {
  /** Where workers LISTEN. `false`: nowhere. Default: where everything else is. */
  readonly listen?: false | Given | undefined
  readonly preparedStatements?: boolean | undefined
  readonly schema: string
  readonly pgbossSchema: string
  readonly poolSize: number
  readonly connectTimeoutMs: number
  readonly queryTimeoutMs: number
  readonly retentionMs: number | null
}

export interface Postgres {
  readonly backend: PostgresBackend
  readonly deadLetters: DeadLetters
  readonly lanes: Lanes
  migrate(queues: readonly string[], options?: MigrateOptions): Promise<MigrateReport>
  doctor(registry: Registry): Promise<readonly Finding[]>
}

/**
 * Heartbeats have connections of their own: behind publishes that wait for a lock, or on one connection that went silent,
 * they would come too late, and a living worker's claims be taken over.
 */
const LIFELINE = { poolSize: 2, connectTimeoutMs: 3_000, queryTimeoutMs: 3_000, apart: true }

export function createPostgres(settings: PostgresSettings, emit: Emit): Postgres {
  const tables = tablesIn({ postbus: settings.schema, pgboss: settings.pgbossSchema })
  const connection = createConnection(settings)
  const lifeline = createConnection({ ...settings, ...LIFELINE })
  const listening = listeningConnection(settings, connection)
  return {
    backend: createPostgresBackend({ connection, lifeline, listening }, tables, emit),
    deadLetters: deadLettersIn(connection, tables),
    lanes: lanesIn(connection, tables),
    migrate: (queues, options = {}) =>
      withReachableDatabase(async () => {
        const report = await migrate(connection, tables, queues, options)
        if (report.steps.length > 0 && !options.dryRun) await comesToDisk(connection)
        return report
      }),
    doctor: (registry) => examine({ connection, listening, tables, retentionMs: settings.retentionMs }, registry),
  }
}

/**
 * Everything that was committed so far is on the disk. Through a pooler migrations commit as the database has it by default; a
 * commit that waits takes along what came before it.
 */
async function comesToDisk(connection: Connection): Promise<void> {
  await (await connection.pool()).query(`select pg_catalog.pg_logical_emit_message(true, 'postbus', 'migrated')`)
}

function listeningConnection(settings: PostgresSettings, connection: Connection): Connection | null {
  const { listen } = settings
  if (listen === undefined) return connection
  if (listen === false) return null
  const { connectionString, connection: pgOptions } = listen
  return createConnection({ ...settings, connectionString, connection: pgOptions, pool: undefined, canListen: true })
}

function deadLettersIn(connection: Connection, tables: Tables): DeadLetters {
  const run = operating(connection, tables)
  return Object.freeze({
    list: (page = {}) => run((pool) => listDeadLetters(pool, tables, page)),
    count: (filter = {}) => run((pool) => countDeadLetters(pool, tables, filter)),
    retry: (filter) => run((pool) => retryDeadLetters(pool, tables, filter)),
    discard: (filter) => run((pool) => discardDeadLetters(pool, tables, filter)),
  } satisfies DeadLetters)
}

function lanesIn(connection: Connection, tables: Tables): Lanes {
  const run = operating(connection, tables)
  return Object.freeze({
    list: (page = {}) => run((pool) => listLanes(pool, tables, page)),
    show: (lane) => run((pool) => showLane(pool, tables, lane)),
    retry: (lane) => run((pool) => retryLane(pool, tables, lane)),
    skip: (lane) => run((pool) => skipLane(pool, tables, lane)),
  } satisfies Lanes)
}

/** How an operator's act is run. */
function operating(connection: Connection, tables: Tables) {
  return <Result>(act: (database: Database) => Promise<Result>) =>
    withReachableDatabase(async () =>
      act(await connection.pool()).catch((error: unknown) => {
        throw explainDatabaseError(error, tables.names.postbus)
      }),
    )
}

/** An operator reads these errors, so a closed door is named as one. */
async function withReachableDatabase<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw explainConnectionError(error)
  }
}
