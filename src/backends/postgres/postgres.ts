/** Everything the bus does with Postgres, put together from a bus's options. */
import { PostbusError } from '../../errors.ts'
import type { DeadLetters } from '../../deliveries/dead-letters.ts'
import type { Lanes } from '../../deliveries/lanes.ts'
import type { DoctorFinding, MigrateOptions, MigrateReport } from '../../deliveries/operations.ts'
import type { Registry } from '../../handlers/registry.ts'
import type { Emit } from '../../signals.ts'
import { createConnection } from './connection.ts'
import { examine } from './operating/doctor.ts'
import { withReachableDatabase } from './operating/reachable.ts'
import { deadLettersIn, lanesIn } from './operating/operators.ts'
import { migrate } from './schema/migrate.ts'
import { createPostgresBackend, type PostgresBackend } from './postgres-backend.ts'
import { tablesIn } from './schema/tables.ts'

export interface PostgresSettings {
  readonly connectionString?: string | (() => string | Promise<string>) | undefined
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
  doctor(registry: Registry): Promise<readonly DoctorFinding[]>
}

/**
 * Heartbeats have connections of their own: behind publishes that wait for a lock, or on one connection that went silent,
 * they would come too late, and a living worker's claims be taken over.
 */
const LIFELINE = { poolSize: 2, connectTimeoutMs: 3_000, queryTimeoutMs: 3_000 }

export function createPostgres(settings: PostgresSettings, emit: Emit): Postgres {
  const tables = tablesIn({ postbus: settings.schema, pgboss: settings.pgbossSchema })
  const connectionString = settings.connectionString ?? noConnectionString
  const connection = createConnection({ ...settings, connectionString })
  const lifeline = createConnection({ ...LIFELINE, connectionString })
  return {
    backend: createPostgresBackend({ connection, lifeline }, tables, emit),
    deadLetters: deadLettersIn(connection, tables),
    lanes: lanesIn(connection, tables),
    migrate: (queues, options) => withReachableDatabase(() => migrate(connection, tables, queues, options)),
    doctor: (registry) => examine({ connection, tables, retentionMs: settings.retentionMs }, registry),
  }
}

function noConnectionString(): never {
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    'This bus has no `connectionString`, so it can only publish inside a transaction: pass `tx`, or give createBus() a `connectionString`.',
  )
}
