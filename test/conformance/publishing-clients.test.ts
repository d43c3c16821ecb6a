/** What `publish` promises, it promises with the transactions of every database client that it accepts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler, type Envelope } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { clients, finishedTransaction } from '../support/clients.ts'
import type { OpenClient } from '../support/clients/open-client.ts'
import { emptyTables, listenForWakeUps, storedCounts, storedEvents, type WakeUps } from '../support/stored.ts'
import { openWire } from '../support/wire.ts'

const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ order: z.string(), extra: z.unknown() }),
  partitionKey: (data) => data.order,
})
const StockCounted = defineEvent('stock.stock-counted', { schema: z.object({ shelf: z.string() }) })

const handled: string[] = []
const handlers = ['finances.create-invoice', 'email.confirm-order'].map((name) =>
  defineHandler(name, {
    on: [OrderCreated, StockCounted],
    handle: (event) => void handled.push(`${name} ${nameOf(event)}`),
  }),
)

let shop: TestBus
let wakeUps: WakeUps

beforeAll(async () => {
  shop = await openTestBus({ handlers, maxPayloadBytes: 10_000 })
  await shop.database.query('create table orders (id text primary key)')
  wakeUps = await listenForWakeUps(shop.connectionString)
})

afterAll(async () => {
  await wakeUps.close()
  await shop.close()
})

beforeEach(async () => {
  await emptyTables(shop.database)
  await shop.database.query('truncate orders')
  await wakeUps.heard()
  handled.length = 0
})

describe.each(clients)('$name', ({ open, codeAfterTheEnd, rootIsCalled }) => {
  let client: OpenClient

  beforeEach(async () => {
    client = await open(shop.connectionString)
    return () => client.close()
  })

  test('an event of a committed transaction is there with its order, and is delivered', async () => {
    await client.inTransaction(async ({ tx, run }) => {
      await run(`insert into orders values ('A1')`)
      await shop.bus.publish([order('A1'), StockCounted({ shelf: 'left' })], { tx })
    })

    expect(await stored()).toEqual({ orders: ['A1'], events: ['A1', 'left'], deliveries: 4 })
    expect(await wakeUps.heard()).toEqual(['events_partitioned events'])

    const counts = await shop.bus.worker().drain()
    expect(counts).toEqual({ done: 4, failed: 0, dead: 0, snoozed: 0 })
    expect(handled.toSorted()).toEqual([
      'email.confirm-order A1',
      'email.confirm-order left',
      'finances.create-invoice A1',
      'finances.create-invoice left',
    ])
  })

  test('publish answers the id and the number of deliveries of each event', async () => {
    const event = order('A1')
    const answers: unknown[] = []

    await client.inTransaction(async ({ tx }) => {
      answers.push(await shop.bus.publish([event, event], { tx }))
    })

    const [first, again] = [
      { id: event.id, deliveries: 2, duplicate: false },
      { id: event.id, deliveries: 0, duplicate: true },
    ]
    expect(answers).toEqual([{ events: [first, again] }])
  })

  test('of a transaction that is rolled back nothing is left: no event, no delivery, no wake-up', async () => {
    const work = client.inTransaction(async ({ tx, run }) => {
      await run(`insert into orders values ('A1')`)
      await shop.bus.publish(order('A1'), { tx })
      throw new Error('out of stock')
    })

    await expect(work).rejects.toThrow('out of stock')
    expect(await stored()).toEqual({ orders: [], events: [], deliveries: 0 })
    expect(await wakeUps.heard()).toEqual([])
  })

  test('of a savepoint that is rolled back only that part is gone', async () => {
    await client.inTransaction(async ({ tx, inSavepoint }) => {
      await shop.bus.publish(order('before'), { tx })
      await inSavepoint(async (inner) => {
        await shop.bus.publish(StockCounted({ shelf: 'left' }), { tx: inner.tx })
        throw new Error('not this part')
      }).catch(() => undefined)
      await shop.bus.publish(order('after'), { tx })
    })

    expect(await stored()).toEqual({ orders: [], events: ['before', 'after'], deliveries: 4 })
    expect(await wakeUps.heard()).toEqual(['events_partitioned'])
  })

  test('of nested savepoints exactly the parts that were rolled back are gone', async () => {
    await client.inTransaction(async ({ inSavepoint }) => {
      await inSavepoint(async (outer) => {
        await shop.bus.publish(order('outer'), { tx: outer.tx })
        await outer.inSavepoint(async (inner) => void (await shop.bus.publish(order('kept'), { tx: inner.tx })))
        await outer
          .inSavepoint(async (inner) => {
            await shop.bus.publish(order('inner'), { tx: inner.tx })
            throw new Error('not this part')
          })
          .catch(() => undefined)
      })
      await inSavepoint(async (outer) => {
        await outer.inSavepoint(async (inner) => void (await shop.bus.publish(order('lost'), { tx: inner.tx })))
        throw new Error('nor this one')
      }).catch(() => undefined)
    })

    expect(await stored()).toEqual({ orders: [], events: ['outer', 'kept'], deliveries: 4 })
  })

  test('its root is refused, and nothing is stored', async () => {
    const refusal = await shop.bus.publish(order('A1'), { tx: client.root as never }).catch((error: unknown) => error)

    expect(refusal).toMatchObject({ name: 'PostbusError', code: 'POSTBUS_NOT_A_TRANSACTION' })
    expect(refusal).toHaveProperty('message', expect.stringContaining(rootIsCalled))
    expect(await stored()).toEqual({ orders: [], events: [], deliveries: 0 })
  })

  test('a finished transaction is refused, and nothing is stored', async () => {
    const finished = await finishedTransaction(client)

    const refusal = await shop.bus.publish(order('A1'), { tx: finished }).catch((error: unknown) => error)

    expect(refusal).toMatchObject({ name: 'PostbusError', code: codeAfterTheEnd })
    expect(await stored()).toEqual({ orders: [], events: [], deliveries: 0 })
    expect(await wakeUps.heard()).toEqual([])
  })

  test.each([
    { what: 'data that cannot be stored', make: () => order('A1', () => 1), code: 'POSTBUS_UNSERIALIZABLE' },
    { what: 'data that is too large', make: () => order('A1', 'x'.repeat(10_001)), code: 'POSTBUS_TOO_LARGE' },
    { what: 'a key that cannot be a key', make: () => order('A\u0000'), code: 'POSTBUS_INVALID_EVENT' },
    { what: 'something that is no event', make: () => ({ order: 'A1' }) as never, code: 'POSTBUS_INVALID_EVENT' },
  ])('after $what was refused the transaction goes on and commits', async ({ make, code }) => {
    const refusals: unknown[] = []

    await client.inTransaction(async ({ tx, run }) => {
      await run(`insert into orders values ('A1')`)
      const publishing = async () => shop.bus.publish([order('never stored'), make()], { tx })
      await publishing().catch((error: unknown) => refusals.push(error))
      await run(`insert into orders values ('A2')`)
      await shop.bus.publish(order('A2'), { tx })
    })

    expect(refusals).toEqual([expect.objectContaining({ name: 'PostbusError', code })])
    expect(await stored()).toEqual({ orders: ['A1', 'A2'], events: ['A2'], deliveries: 2 })
  })

  test('in a transaction that an error has aborted, publish names the cause, and nothing is stored', async () => {
    const refusals: unknown[] = []

    await client
      .inTransaction(async ({ tx, run }) => {
        await run('select 1 / 0').catch(() => undefined)
        await shop.bus.publish(order('A1'), { tx }).catch((error: unknown) => refusals.push(error))
      })
      .catch(() => undefined) // some clients say at the end that it was rolled back

    expect(refusals).toEqual([expect.objectContaining({ code: 'POSTBUS_TRANSACTION_ABORTED' })])
    expect(await stored()).toEqual({ orders: [], events: [], deliveries: 0 })
  })

  test('publishing sends one statement', async () => {
    const wire = await openWire(shop.connectionString)
    const counted = await open(wire.connectionString)

    await counted.inTransaction(async ({ tx, run }) => {
      await run('select 1') // some clients begin with their first statement
      wire.clear()
      await shop.bus.publish([order('A1'), StockCounted({ shelf: 'left' })], { tx })
      expect(wire.statements).toEqual([`select "postbus".publish($1)::pg_catalog.text`])
    })

    await counted.close()
    await wire.close()
  })
})

function order(id: string, extra?: unknown): Envelope {
  return OrderCreated({ order: id, extra })
}

function nameOf(event: { data: { order: string } | { shelf: string } }): string {
  return 'order' in event.data ? event.data.order : event.data.shelf
}

async function stored(): Promise<{ orders: string[]; events: string[]; deliveries: number }> {
  const orders = await shop.database.query<{ id: string }>('select id from orders order by id')
  const events = await storedEvents(shop.database)
  const { deliveries } = await storedCounts(shop.database)
  const names = events.map(({ payload }) => Object.values((JSON.parse(payload) as { json: object }).json)[0] as string)
  return { orders: orders.rows.map(({ id }) => id), events: names, deliveries }
}
