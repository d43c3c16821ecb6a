/**
 * A database in which time has passed: a test publishes events, brings them into any state, makes them older and prunes
 * them, each on a connection that it chooses.
 */
import { Client, type Pool } from 'pg'
import type { Queryable } from '../../src/backends/postgres/connection.ts'
import type { Bus, BusOptions } from '../../src/index.ts'
import { breakFunction, type Break } from './break-function.ts'
import { EVERY_DELIVERY } from './every-delivery.ts'
import { openTestBus, type TestBus } from './bus.ts'
import { handlerThat, NoteTaken } from './notes.ts'
import { emptyTables } from './stored.ts'

/** Two handlers in two queues. Each queue has a partitioned one beside it. */
export const HANDLERS = [
  handlerThat(() => undefined, { name: 'notes.take' }),
  handlerThat(() => undefined, { name: 'notes.mail', queue: 'mail' }),
]

export interface Attic {
  readonly opened: TestBus
  readonly bus: Bus
  readonly database: Pool
  /** A connection of the test's own, which waits for no lock; closed with the rest. */
  connect(): Promise<Client>
  /** Publishes one event. Returns its id. */
  publish(note?: { readonly n?: number; readonly key?: string | null; readonly id?: string }): Promise<string>
  /** Completes everything that waits, as pg-boss does. Deliveries that a worker completes are in the history at once. */
  completeAll(): Promise<void>
  /** Makes everything that has happened `hours` hours older. */
  hoursPass(hours: number): Promise<void>
  /** Prunes what is older than an hour, once. Returns `null` if it is not our turn. */
  prune(over?: Queryable, how?: { readonly batch?: number; readonly begins?: 'anew' | 'behind' }): Promise<Turn | null>
  /** Prunes, from the oldest event to the latest. */
  pruneAll(): Promise<void>
  /** Counts the rows of events, deliveries and dead letters. */
  stored(): Promise<{ events: number; deliveries: number; letters: number }>
  /** Breaks `postbus.prune`. */
  break(how: Break): Promise<void>
  /** Empties the database for the next test. */
  empty(): Promise<void>
  close(): Promise<void>
}

export interface Turn {
  readonly pruned: number
  readonly more: boolean
}

export async function openAttic(options: BusOptions = {}, on: { ownServer?: boolean } = {}): Promise<Attic> {
  const opened = await openTestBus({ handlers: HANDLERS, ...options }, on)
  const { bus, database } = opened
  const clients: Client[] = []
  const prune: Attic['prune'] = async (over = database, { batch = 1_000, begins = 'anew' } = {}) => {
    const again = begins === 'anew' ? '0' : '1 hour'
    const { rows } = await over.query<Turn>(`select * from postbus.prune('1 hour', $1, '0', $2)`, [batch, again])
    return rows[0] ?? null
  }

  return {
    opened,
    bus,
    database,
    async connect() {
      const client = new Client(opened.connectionString)
      client.on('error', () => undefined)
      clients.push(client)
      await client.connect()
      await client.query(`set lock_timeout = '100ms'`)
      return client
    },
    async publish({ n = 1, key = null, id } = {}) {
      const { events } = await bus.publish(NoteTaken({ n, key }, id === undefined ? {} : { id }))
      return events[0]?.id ?? ''
    },
    completeAll: async () =>
      void (await database.query(
        `update pgboss.job set state = 'completed', completed_on = now(), blocked = false where state < 'completed'`,
      )),
    async hoursPass(hours) {
      const earlier = (column: string) => `${column} = ${column} - $1 * interval '1 hour'`
      const set = (table: string, ...columns: string[]) =>
        database.query(`update ${table} set ${columns.map(earlier).join()}`, [hours])
      await set('postbus.event', 'published_at')
      await set('postbus.dead_letter', 'died_at', 'dismissed_at')
      await set('pgboss.job', 'created_on', 'started_on', 'completed_on')
      await set('postbus.history', 'ended_at')
      await set('postbus.history_table', 'ended_at')
      await set('postbus.history_turn', 'began_at')
    },
    prune,
    async pruneAll() {
      await database.query('update postbus.pruning set after_seq = 0')
      while ((await prune())?.more);
    },
    async stored() {
      const { rows } = await database.query(
        `select (select count(*)::integer from postbus.event) as events, (select count(*)::integer from ${EVERY_DELIVERY} job) as deliveries,
          (select count(*)::integer from postbus.dead_letter) as letters`,
      )
      return rows[0] as { events: number; deliveries: number; letters: number }
    },
    async break(how) {
      await breakFunction(database, 'postbus.prune', how)
    },
    async empty() {
      await Promise.all(clients.splice(0).map((client) => client.end()))
      await emptyTables(database)
      await database.query('update postbus.pruning set after_seq = 0, pruned_at = now(), began_at = now()')
    },
    async close() {
      await Promise.all(clients.map((client) => client.end()))
      await opened.close()
    },
  }
}

export const NOTHING = { events: 0, deliveries: 0, letters: 0 }

/** Writes a dead letter for each delivery in state `failed`; with `all`, for every delivery. */
export async function writeLetters({ database }: Attic, how: { discarded: boolean; all?: boolean }): Promise<void> {
  await database.query(
    `insert into postbus.dead_letter (delivery_id, queue, handler, reason, died_at, dismissed_at)
    select id, name, data ->> 'handler', 'failed', now(), case when $1 then now() end from pgboss.job
    where $2 or state = 'failed'`,
    [how.discarded, how.all ?? false],
  )
}
