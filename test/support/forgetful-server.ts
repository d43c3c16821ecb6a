/**
 * A bus on a server that is about to crash. The WAL writer is frozen: a commit is on the disk if it has waited for the disk,
 * and otherwise it certainly is not. By the database's default, no commit waits.
 */
import { Client, Pool } from 'pg'
import type { ClaimedDelivery } from '../../src/deliveries/delivery.ts'
import type { DeliveryStore } from '../../src/deliveries/delivery-store.ts'
import { createConnection } from '../../src/backends/postgres/connection.ts'
import { createPostgresBackend } from '../../src/backends/postgres/postgres-backend.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { createBus, type AnyHandler, type Bus } from '../../src/index.ts'
import { startEmbeddedServer } from './embedded-server.ts'

export interface ForgetfulServer {
  readonly connectionString: string
  readonly bus: Bus
  /** Plain connections, whose commits do not wait. */
  readonly database: Pool
  /** The store, with which a test does by hand what a worker does. */
  readonly store: DeliveryStore
  claim(limit: number, queue?: string): Promise<readonly ClaimedDelivery[]>
  /** Commits something without waiting for the disk. The returned function tells after the crash whether that is gone. */
  forget(): Promise<() => Promise<boolean>>
  /** Brings everything committed so far to the disk, as a healthy server does within a second. */
  flush(): Promise<void>
  /** Kills the server and starts it again, frozen as before. */
  crash(): Promise<void>
}

interface Around {
  onTestFinished(done: () => Promise<void>): void
}

const NAMES = { postbus: 'postbus', pgboss: 'pgboss' }
const CONNECTIONS = { connectTimeoutMs: 5_000, queryTimeoutMs: 5_000, poolSize: 5 }

export async function aForgetfulServer({ onTestFinished }: Around, handlers: AnyHandler[]): Promise<ForgetfulServer> {
  const server = await startEmbeddedServer({ autovacuum: 'off', wal_writer_delay: '10s' })
  onTestFinished(async () => {
    await server.crash() // frozen processes would not stop
    await server.remove()
  })
  const { connectionString } = server
  await letCommitsNotWait(connectionString)
  const database = new Pool({ connectionString })
  database.on('error', () => undefined)
  onTestFinished(() => database.end())

  const bus = createBus({ connectionString, handlers, onSignal: () => undefined })
  onTestFinished(() => bus.close())
  await bus.migrate()
  const connection = createConnection({ connectionString, ...CONNECTIONS })
  onTestFinished(() => connection.close())
  const { store } = createPostgresBackend({ connection, lifeline: connection }, tablesIn(NAMES), () => undefined)
  await store.prepare(['events', 'events_partitioned'])
  await server.freezeLog()

  return {
    connectionString,
    bus,
    database,
    store,
    claim: async (limit, queue = 'events') => (await store.claim(queue, limit)).deliveries,
    async forget() {
      await database.query('insert into scrap default values')
      return async () => (await database.query('select from scrap')).rowCount === 0
    },
    async flush() {
      await database.query(
        `begin; set local synchronous_commit = on; insert into scrap default values; delete from scrap; commit`,
      )
    },
    async crash() {
      await server.crash()
      await server.start()
      await server.freezeLog()
    },
  }
}

async function letCommitsNotWait(connectionString: string): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  await client.query('alter database postgres set synchronous_commit = off; create table scrap ()')
  await client.end()
}
