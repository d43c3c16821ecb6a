/**
 * The template of a run's test databases: migrated once, by the first process, and copied for each test process. It gets
 * its name last, so a template that exists is complete.
 */
import { BroadcastListeners } from '../../broadcast/broadcast-listeners.ts'
import { createPostgres } from '../../backends/postgres/postgres.ts'
import { testClock } from '../time/test-clock.ts'
import { inDatabase, onConnection, type Client } from './administration.ts'
import { installCleaning } from './cleaning.ts'
import type { DatabaseBus } from './current-bus.ts'

export interface TemplateOptions {
  /** The connection string of the server's own database. */
  readonly server: string
  readonly name: string
  readonly bus: DatabaseBus
  readonly migrate: ((connectionString: string) => unknown) | undefined
  readonly keepTables: readonly string[]
}

/** Makes the template unless it exists. Other processes that need it wait meanwhile. */
export async function ensureTemplate(options: TemplateOptions): Promise<void> {
  await onConnection(options.server, async (client) => {
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [options.name])
    const { rowCount } = await client.query('select from pg_database where datname = $1', [options.name])
    if (rowCount === 0) await makeTemplate(client, options)
  })
}

async function makeTemplate(client: Client, options: TemplateOptions): Promise<void> {
  const unfinished = `${options.name}_new`
  await client.query(`drop database if exists "${unfinished}" with (force)`)
  await client.query(`create database "${unfinished}"`)
  const connectionString = inDatabase(options.server, unfinished)

  await options.migrate?.(connectionString)
  await migratePostbus(connectionString, options.bus)
  await onConnection(connectionString, (inside) => installCleaning(inside, options.keepTables))

  // A template cannot be renamed or copied while a client is connected to it, such as a pool that `migrate` left open.
  await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [unfinished])
  await client.query(`alter database "${unfinished}" rename to "${options.name}"`)
}

/** The defaults that a bus registers in its database. */
const REGISTERING = { service: 'main', maxPayloadBytes: 1_048_576 }

/** Migrates with a Postgres of the same settings as the test's bus, because that bus is on another database. */
async function migratePostbus(
  connectionString: string,
  { registry, codec, emit, publish, transaction, middleware, backend }: DatabaseBus,
): Promise<void> {
  const listeners = new BroadcastListeners({ emit, codec, registry })
  const { postbus, pgboss } = backend.tables.names
  const limits = { poolSize: 2, connectTimeoutMs: 10_000, queryTimeoutMs: 60_000, retentionMs: null }
  const postgres = createPostgres(
    { connectionString, schema: postbus, pgbossSchema: pgboss, ...limits, ...REGISTERING },
    { emit, codec, registry, publish, transaction, middleware, listeners, schedules: [] },
  )
  try {
    await postgres.migrate({}, [])
    await testClock(postgres.backend)
  } finally {
    await postgres.backend.close()
  }
}
