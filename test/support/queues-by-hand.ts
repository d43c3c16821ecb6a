/** Claims by hand from both queues of a bus, on a connection that the test chooses, and with functions that it can break. */
import { Client, type Pool } from 'pg'
import type { Claimed, HandlerRoom } from '../../src/deliveries/delivery.ts'
import { claimFrom } from '../../src/backends/postgres/deliveries/claim.ts'
import type { Queryable } from '../../src/backends/postgres/connection.ts'
import { checkQueues } from '../../src/backends/postgres/queues/queues.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import type { AnyHandler, Envelope } from '../../src/index.ts'
import { openTestBus } from './bus.ts'
import { breakFunction } from './break-function.ts'

export type QueueName = 'events' | 'events_partitioned'

export async function openQueues(handlers: AnyHandler[]) {
  const { bus, database, connectionString, close } = await openTestBus({ handlers })
  const names = ['events', 'events_partitioned'] as const
  const tables = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })
  const states = await checkQueues(database, tables, names)
  const queues = new Map(states.map((state) => [state.name, { ...state, claim: claimFrom(state.name, tables) }]))
  const named = (name: QueueName) => {
    const queue = queues.get(name)
    if (!queue) throw new Error(`The queue ${name} is missing.`)
    return queue
  }
  const clients: Client[] = []

  return {
    database,
    publish: (events: readonly Envelope[]) => bus.publish(events),
    claim: (over: Queryable, name: QueueName, limit: number, rooms: readonly HandlerRoom[] = []): Promise<Claimed> =>
      named(name).claim(over, limit, { rooms }),
    patch: (name: QueueName, piece: RegExp, replacement: string) =>
      breakFunction(database, name === 'events' ? 'postbus.claim_2' : 'postbus.claim_lanes_2', { piece, replacement }),
    async connect(): Promise<Client> {
      const client = new Client({ connectionString })
      client.on('error', () => undefined)
      clients.push(client)
      await client.connect()
      return client
    },
    /** Adds deliveries without events that wait for the slow handler, each in a lane of its own if the queue has lanes. */
    async flood(name: QueueName, count: number): Promise<void> {
      await database.query(
        `insert into pgboss.job (id, name, data, priority, state, retry_limit, policy, singleton_key, expire_seconds)
        select lpad(to_hex(n), 32, '0')::uuid, $1, '{"handler": "notes.slow", "event": "none", "type": "none"}', 0, 'created',
          1000000, $2, case when $1 ~ 'partitioned' then 'notes.slow:flood ' || n end, 86400
        from generate_series(1, $3::integer) n`,
        [name, named(name).policy, count],
      )
    },
    /** Claims, and counts the rows of the queue's table that this reads, by any plan. */
    async readingClaim(name: QueueName, limit: number, rooms: readonly HandlerRoom[]) {
      const before = await rowsRead(database)
      const { more } = await named(name).claim(database, limit, { rooms })
      return { more, read: (await rowsRead(database)) - before }
    },
    async someoneWaits(): Promise<boolean> {
      const { rowCount } = await database.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return (rowCount ?? 0) > 0
    },
    async close(): Promise<void> {
      await Promise.all(clients.map((client) => client.end()))
      await close()
    },
  }
}

export type QueuesByHand = Awaited<ReturnType<typeof openQueues>>

/** The pool hands out the connection that was used last: the one that claimed. So it flushes its own count of rows read. */
async function rowsRead(database: Pool): Promise<number> {
  await database.query('select pg_stat_force_next_flush()')
  const { rows } = await database.query<{ read: string }>(
    `select seq_tup_read + idx_tup_fetch as read from pg_stat_all_tables where relname = 'job_common'`,
  )
  return Number(rows[0]?.read)
}
