/**
 * The lanes of one partitioned queue, driven by hand: a test chooses the connection for each SQL function, so that it can
 * hold a transaction open between two of them. It can also break a function on purpose.
 */
import { Client, type Pool } from 'pg'
import { z } from 'zod'
import type { Claimed, ClaimedDelivery, Settled, Settlement } from '../../src/deliveries/delivery.ts'
import { claimFrom } from '../../src/backends/postgres/deliveries/claim.ts'
import type { Queryable } from '../../src/backends/postgres/connection.ts'
import { checkQueues, type QueueState } from '../../src/backends/postgres/queues/queues.ts'
import { settleDeliveries } from '../../src/backends/postgres/deliveries/settle.ts'
import { recoverClaims } from '../../src/backends/postgres/deliveries/claims.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { defineEvent, defineHandler } from '../../src/index.ts'
import { breakFunction } from './break-function.ts'
import { openTestBus, type TestBus } from './bus.ts'
import { takeOverSilent } from './take-over.ts'

export const HANDLER = 'lanes.follow'

export const Turned = defineEvent('lanes.turned', {
  schema: z.object({ key: z.string(), turn: z.number().nullable().default(null) }),
  partitionKey: ({ key }) => key,
})

export interface LaneRow {
  readonly id: string
  readonly eventId: string
  readonly lane: string
  readonly state: string
  readonly blocked: boolean
}

export interface Lanes {
  readonly shop: TestBus
  readonly database: Pool
  readonly queue: QueueState
  /** A connection of the test's own; closed with the rest. */
  connect(): Promise<Client>
  /** Publishes one event of a key, in `tx` if given. Returns its id. */
  publish(key: string, tx?: Client, turn?: number | null): Promise<string>
  /** `free`: how many slots the handler has left; by default it has no limit. `behind`: how many may come with each. */
  claim(database: Queryable, limit?: number, free?: number, behind?: number): Promise<Claimed>
  settle(database: Queryable, settlements: readonly Settlement[]): Promise<Settled>
  /** Makes the claims of these deliveries look silent, and takes them over. Returns how many. */
  recover(database: Queryable, ids: readonly string[]): Promise<number>
  /** Sweeps all lanes at once. Returns how many were repaired. */
  sweep(database: Queryable): Promise<number>
  /** Deliveries that are not finished, oldest first. */
  live(): Promise<readonly LaneRow[]>
  /** Replaces a piece of a function's text, as `String.replace` does. Throws when the function does not contain it. */
  patch(name: string, piece: string | RegExp, replacement: string): Promise<void>
  close(): Promise<void>
}

export async function openLanes(): Promise<Lanes> {
  const shop = await openTestBus({ handlers: [defineHandler(HANDLER, { on: Turned, handle: () => undefined })] })
  const { database, bus } = shop
  const tables = tablesIn({ postbus: 'postbus', pgboss: 'pgboss' })
  const [queue] = await checkQueues(database, tables, ['events_partitioned'])
  if (!queue) throw new Error('The queue of the lanes is missing.')
  const claimOf = claimFrom(queue.name, tables)
  const clients: Client[] = []

  return {
    shop,
    database,
    queue,
    async connect() {
      const client = new Client(shop.connectionString)
      client.on('error', () => undefined)
      clients.push(client)
      await client.connect()
      return client
    },
    async publish(key, tx, turn = null) {
      const { events } = await bus.publish(Turned({ key, turn }), tx ? { tx } : {})
      return events[0]?.id ?? ''
    },
    claim: (over, limit = 10, free, behind = 0) =>
      claimOf(over, limit, { rooms: free === undefined ? [] : [{ handler: HANDLER, free, cluster: null }], behind }),
    settle: (over, settlements) => settleDeliveries(over, tables, { queue: queue.name, settlements }),
    async recover(over, ids) {
      await over.query(`update pgboss.job set heartbeat_on = now() - interval '1 hour' where id = any($1)`, [[...ids]])
      return takeOverSilent((looking) => recoverClaims(over, tables, looking))
    },
    sweep: (over) => count(over, 'select postbus.sweep(100000, 0) as count'),
    async live() {
      const { rows } = await database.query<LaneRow>(
        `select id, data ->> 'event' as "eventId", singleton_key as lane, state::text as state, blocked
        from pgboss.job where state < 'completed' order by singleton_key, id`,
      )
      return rows
    },
    patch: (name, piece, replacement) => breakFunction(database, name, { piece, replacement }),
    async close() {
      await Promise.all(clients.map((client) => client.end()))
      await shop.close()
    },
  }
}

/** Publishes more deliveries of a key than a claim looks at. They can be neither claimed nor parked, because a settle is under way. */
export async function heldFront({ connect, publish, claim, database }: Lanes, key: string): Promise<void> {
  const settling = await connect()
  await publish(key)
  const { deliveries } = await claim(database, 1)
  await settling.query('begin')
  await settling.query('select from pgboss.job where id = $1 for update', [deliveries[0]?.id])
  for (let n = 0; n < 12; n += 1) await publish(key)
}

export function done(delivery: ClaimedDelivery, takeNext = false): Settlement {
  return { delivery, is: 'done', takeNext }
}

async function count(over: Queryable, statement: string): Promise<number> {
  const { rows } = await over.query<{ count: number }>(statement)
  return rows[0]?.count ?? 0
}
