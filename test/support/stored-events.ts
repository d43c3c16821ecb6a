/**
 * Events that were published and handled before, for replays and backfills. On a server of its own, because any open transaction in
 * the server, in any database, holds back the readers of the log.
 */
import { Client, Pool } from 'pg'
import { createBus, type AnyEventType, type AnyHandler, type Bus, type BusSignal } from '../../src/index.ts'
import { startEmbeddedServer } from './embedded-server.ts'
import { handlerThat, NoteTaken } from './notes.ts'
import { emptyTables } from './stored.ts'
import { until } from './until.ts'

export interface Ran {
  readonly handler: string
  readonly n: number
  readonly isReplay: boolean
  readonly replayId: string | null
  readonly attempt: number
}

export async function openStoredEvents(settings: Parameters<typeof startEmbeddedServer>[0] = {}) {
  const server = await startEmbeddedServer(settings)
  const { connectionString } = server
  const database = new Pool({ connectionString, max: 5 })
  const buses: Bus[] = []
  const clients: Client[] = []
  const ran: Ran[] = []
  const signals: BusSignal[] = []

  function busWith(handlers: readonly AnyHandler[], events: readonly AnyEventType[] = []): Bus {
    const bus = createBus({ connectionString, handlers, events, onSignal: (signal) => signals.push(signal) })
    buses.push(bus)
    return bus
  }
  await busWith([handlerThat(() => undefined, { queue: 'mail' })]).migrate()

  return {
    connectionString,
    database,
    busWith,
    ran,
    signals,
    /** A handler of notes that writes down what it ran, and then does what the test says. */
    noting: (
      name = 'notes.take',
      options: Parameters<typeof handlerThat>[1] = {},
      does: (n: number) => unknown = () => undefined,
    ) =>
      handlerThat(
        (n, { isReplay, replayId, attempt }) => {
          ran.push({ handler: name, n, isReplay, replayId, attempt })
          return does(n)
        },
        { name, ...options },
      ),
    /** Publishes notes of one key, in order. */
    publish: (bus: Bus, numbers: readonly number[], key: string | null = 'one') =>
      bus.publish(numbers.map((n) => NoteTaken({ n, key }))),
    async connect(): Promise<Client> {
      const client = new Client({ connectionString })
      client.on('error', () => undefined)
      clients.push(client)
      await client.connect()
      return client
    },
    /** The numbers that a handler ran since the last call, in order. */
    took(handler = 'notes.take'): readonly number[] {
      const numbers = ran.filter((one) => one.handler === handler).map(({ n }) => n)
      ran.length = 0
      return numbers
    },
    waits: (count: number) =>
      until(`${count} deliveries are live`, async () => {
        const { rows } = await database.query<{ count: number }>(
          `select count(*)::integer as count from pgboss.job where state < 'completed'`,
        )
        return rows[0]?.count === count
      }),
    async tidy(): Promise<void> {
      await Promise.all(clients.splice(0).map((client) => client.end()))
      await Promise.all(buses.splice(0).map((bus) => bus.close()))
      ran.length = 0
      signals.length = 0
      await emptyTables(database)
    },
    async close(): Promise<void> {
      await Promise.all(buses.map((bus) => bus.close()))
      await database.end()
      await server.remove()
    },
  }
}

export type StoredEvents = Awaited<ReturnType<typeof openStoredEvents>>
export const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, index) => from + index)
