/** Everything the bus does with Postgres, put together from a bus's options. */
import type { DeadLetters } from '../../deliveries/dead-letters.ts'
import type { Acts } from '../../deliveries/act-log.ts'
import type { Lanes } from '../../deliveries/lanes.ts'
import type { Pauses } from '../../deliveries/pauses.ts'
import type { DoctorFinding, MigrateOptions, MigrateReport } from '../../deliveries/operations.ts'
import type { Registry } from '../../handlers/registry.ts'
import type { Emit } from '../../signals.ts'
import { createConnection, type Connection } from './connection.ts'
import type { Given } from './connections/given.ts'
import { examine } from './operating/doctor.ts'
import { pausesIn, type LoadRegistry } from './operating/pauses.ts'
import { withReachableDatabase } from './operating/reachable.ts'
import { actsIn, deadLettersIn, lanesIn } from './operating/operators.ts'
import { migrate } from './schema/migrate.ts'
import { createPostgresBackend, type PostgresBackend } from './postgres-backend.ts'
import { tablesIn } from './schema/tables.ts'

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
  readonly acts: Acts
  readonly pauses: Pauses
  migrate(queues: readonly string[], options?: MigrateOptions): Promise<MigrateReport>
  doctor(registry: Registry): Promise<readonly DoctorFinding[]>
}

/**
 * Heartbeats have connections of their own: behind publishes that wait for a lock, or on one connection that went silent,
 * they would come too late, and a living worker's claims be taken over.
 */
const LIFELINE = { poolSize: 2, connectTimeoutMs: 3_000, queryTimeoutMs: 3_000, apart: true }

export function createPostgres(settings: PostgresSettings, emit: Emit, registry: LoadRegistry): Postgres {
  const tables = tablesIn({ postbus: settings.schema, pgboss: settings.pgbossSchema })
  const connection = createConnection(settings)
  const lifeline = createConnection({ ...settings, ...LIFELINE })
  const listening = listeningConnection(settings, connection)
  return {
    backend: createPostgresBackend({ connection, lifeline, listening }, tables, emit),
    deadLetters: deadLettersIn(connection, tables),
    lanes: lanesIn(connection, tables, registry),
    acts: actsIn(connection, tables),
    pauses: pausesIn(connection, tables, registry),
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
