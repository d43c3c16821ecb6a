/** The listeners and handlers that run in a transaction, for every database client that `publish` accepts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler } from '../../src/index.ts'
import { openTransaction } from '../../src/transactions/open-transaction.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { clients } from '../support/clients.ts'
import type { OpenClient } from '../support/clients/open-client.ts'
import { emptyTables, storedCounts, storedEvents } from '../support/stored.ts'
import { until } from '../support/until.ts'

const StockCounted = defineEvent('stock.stock-counted', { schema: z.object({ shelf: z.string() }) })
const ShelfEmptied = defineEvent('stock.shelf-emptied', { schema: z.object({ shelf: z.string() }) })

/** Runs inside `publish`, with the publisher's own transaction. */
const atOnce = defineHandler('stock.at-once', {
  on: ShelfEmptied,
  runs: 'in-transaction',
  async handle({ data }, context) {
    await openTransaction(context.tx).executeSql('insert into orders values ($1)', [data.shelf])
    await context.publish(StockCounted({ shelf: `after ${data.shelf}` }))
    if (data.shelf === 'A2') await openTransaction(context.tx).executeSql('select 1 / 0', [])
  },
})

const counted = defineHandler('stock.count', { on: StockCounted, handle: () => undefined })

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [atOnce, counted] })
  await shop.database.query('create table orders (id text primary key)')
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  await shop.database.query('truncate orders')
})

describe.each(clients)('$name', ({ open }) => {
  let client: OpenClient

  beforeEach(async () => {
    client = await open(shop.connectionString)
    return () => client.close()
  })

  test('a broadcast is heard when the transaction commits, short or long, and not after a rollback', async () => {
    const heard: string[] = []
    const stop = await shop.bus.listen(StockCounted, ({ data }) => void heard.push(data.shelf.slice(0, 2)))
    const stocks = (n: number) => [`${n}a`, `${n}b`.padEnd(9_000, 'x')].map((shelf) => StockCounted({ shelf }))

    await client
      .inTransaction(async ({ tx }) => {
        await shop.bus.broadcast(stocks(1), { tx })
        throw new Error('rollback')
      })
      .catch(() => undefined)
    await client.inTransaction(async ({ tx }) => {
      await shop.bus.broadcast(stocks(2), { tx })
      expect(heard).toEqual([])
    })
    await until('both are heard', () => heard.length === 2)
    await stop()

    expect(heard).toEqual(['2a', '2b'])
  })

  test('a handler in the transaction writes and publishes there; an error of it that is caught leaves nothing of its event', async () => {
    const refusals: unknown[] = []

    await client.inTransaction(async ({ tx, run }) => {
      for (const shelf of ['A1', 'A2', 'A3']) {
        await shop.bus.publish(ShelfEmptied({ shelf }), { tx }).catch((error: unknown) => refusals.push(error))
      }
      await run(`insert into orders values ('A4')`)
    })

    expect(refusals).toHaveLength(1)
    expect(await stored()).toEqual({
      orders: ['A1', 'A3', 'A4'],
      events: ['A1', 'after A1', 'A3', 'after A3'],
      deliveries: 2,
    })
  })
})

async function stored(): Promise<{ orders: string[]; events: string[]; deliveries: number }> {
  const orders = await shop.database.query<{ id: string }>('select id from orders order by id')
  const events = await storedEvents(shop.database)
  const { deliveries } = await storedCounts(shop.database)
  const names = events.map(({ payload }) => Object.values((JSON.parse(payload) as { json: object }).json)[0] as string)
  return { orders: orders.rows.map(({ id }) => id), events: names, deliveries }
}
