/** The rows that `publish` writes: each event once, a delivery per interested handler, in the order of the call, in one round trip. */
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { emptyTables, listenForWakeUps, storedCounts, storedDeliveries, storedEvents } from '../support/stored.ts'
import { openWire, type Wire } from '../support/wire.ts'

const PUBLISH = 'select "postbus".publish($1)::pg_catalog.text'

const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ order: z.string(), note: z.unknown() }),
  partitionKey: (data) => data.order,
})
const StockCounted = defineEvent('stock.stock-counted', { schema: z.object({ shelf: z.number() }) })
const SampleTaken = defineEvent('lab.sample-taken', { schema: z.object({ number: z.number() }) })

const invoice = defineHandler('finances.create-invoice', { on: OrderCreated, priority: 9, handle: () => undefined })
const mail = defineHandler('email.confirm-order', { on: OrderCreated, queue: 'mail', priority: 3, handle: () => 1 })
const report = defineHandler('stock.report', { on: StockCounted, queue: 'mail', handle: () => undefined })
const onlyHigh = defineHandler('stock.only-high', {
  on: StockCounted,
  interested: ({ data }) => data.shelf > 100,
  handle: () => undefined,
})
const five = [1, 2, 3, 4, 5].map((nr) => defineHandler(`lab.analyse-${nr}`, { on: SampleTaken, handle: () => nr }))
const handlers = [invoice, mail, report, onlyHigh, ...five]

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers, source: 'shop' })
})

afterAll(() => shop.close())

beforeEach(() => emptyTables(shop.database))

describe('one statement on the wire', () => {
  let wire: Wire

  beforeEach(async () => {
    wire = await openWire(shop.connectionString)
    return () => wire.close()
  })

  const one = [StockCounted({ shelf: 1 })]
  const hundred = Array.from({ length: 100 }, (_, number) => SampleTaken({ number }))

  test.each([
    { what: '1 event for 1 handler', events: one, deliveries: 1 },
    { what: '100 events for 5 handlers each', events: hundred, deliveries: 500 },
  ])('a transaction with $what has the statements begin, publish and commit', async ({ events, deliveries }) => {
    const tx = new Client({ connectionString: wire.connectionString })
    await tx.connect()
    await tx.query('begin')
    await shop.bus.publish(events, { tx })
    await tx.query('commit')
    await tx.end()

    expect(wire.statements).toEqual(['begin', PUBLISH, 'commit'])
    expect(await storedCounts(shop.database)).toEqual({ events: events.length, deliveries })
  })

  test.each([
    { what: '1 event for 1 handler', events: one },
    { what: '100 events for 5 handlers each', events: hundred },
  ])('without a transaction, $what is one statement, once the connection is prepared', async ({ events }) => {
    const bus = createBus({ connectionString: wire.connectionString, handlers })

    await bus.publish(events)
    await bus.publish(StockCounted({ shelf: 2 }))

    expect(wire.statements).toEqual([expect.stringContaining('do $$'), PUBLISH, PUBLISH])
    await bus.close()
  })

  test('publish([]) sends and writes nothing, also from a bus without a database', async () => {
    const bus = createBus({ connectionString: wire.connectionString, handlers })

    const answers = [await bus.publish([]), await createBus({ handlers }).publish([])]

    expect(answers).toEqual([{ events: [] }, { events: [] }])
    expect(wire.statements).toEqual([])
    expect(await storedCounts(shop.database)).toEqual({ events: 0, deliveries: 0 })
    await bus.close()
  })

  test('a refused publish has sent nothing', async () => {
    const bus = createBus({ connectionString: wire.connectionString, handlers })

    const refused = bus.publish([StockCounted({ shelf: 1 }), OrderCreated({ order: 'A1', note: () => 1 })])

    await expect(refused).rejects.toMatchObject({ code: 'POSTBUS_UNSERIALIZABLE' })
    expect(wire.statements).toEqual([])
    await bus.close()
  })
})

test('the order of the list is the order of seq and of the delivery ids, also over several calls', async () => {
  const tx = new Client({ connectionString: shop.connectionString })
  await tx.connect()
  // The ids run backwards, so that an order by id would be noticed.
  const events = Array.from({ length: 300 }, (_, n) => OrderCreated({ order: 'A1', note: n }, { id: idOf(300 - n) }))

  await tx.query('begin')
  for (const list of [events.slice(0, 1), events.slice(1, 200), events.slice(200)]) await shop.bus.publish(list, { tx })
  await tx.query('commit')
  await tx.end()

  const stored = await storedEvents(shop.database)
  const inQueue = (await storedDeliveries(shop.database)).filter(({ queue }) => queue === 'events_partitioned')
  const published = events.map(({ id }) => id)
  expect(stored.map(({ id }) => id)).toEqual(published)
  expect(inQueue.map(({ event }) => event)).toEqual(published)
})

test('a delivery goes to the queue of its handler; with a key it goes to the partitioned queue, in its own lane', async () => {
  await shop.bus.publish([OrderCreated({ order: 'A1', note: null }), StockCounted({ shelf: 101 })])

  const deliveries = (await storedDeliveries(shop.database)).map((row) => [
    row.handler,
    `${row.queue} ${row.singleton_key}`,
  ])
  expect(Object.fromEntries(deliveries)).toEqual({
    'email.confirm-order': 'mail_partitioned email.confirm-order:A1',
    'finances.create-invoice': 'events_partitioned finances.create-invoice:A1',
    'stock.only-high': 'events null',
    'stock.report': 'mail null',
  })
})

test('priority 0 is also pg-boss’s first, and 9 its last', async () => {
  await shop.bus.publish([OrderCreated({ order: 'A1', note: null }), StockCounted({ shelf: 1 })])

  const priorities = (await storedDeliveries(shop.database)).map((row) => [row.handler, row.priority])
  expect(Object.fromEntries(priorities)).toEqual({
    'email.confirm-order': -3,
    'finances.create-invoice': -9,
    'stock.report': 0,
  })
})

test('workers are woken with the names of the queues, each once, and are not woken if there are no deliveries', async () => {
  const wakeUps = await listenForWakeUps(shop.connectionString)

  await shop.bus.publish([StockCounted({ shelf: 101 }), StockCounted({ shelf: 102 })])
  const woken = await wakeUps.heard()
  await createBus({ connectionString: shop.connectionString, onSignal: () => undefined }).publish(
    StockCounted({ shelf: 1 }),
  )

  expect(woken).toEqual(['mail events'])
  expect(await wakeUps.heard()).toEqual([])
  await wakeUps.close()
})

test('the fields of the envelope are stored, and the chain of causes begins with the event itself', async () => {
  const options = { causationId: 'form 7', metadata: { tenant: 'north' }, source: 'import', ttlMs: 1_000 }

  const first = StockCounted({ shelf: 1 })
  const second = StockCounted({ shelf: 2 }, { ...options, correlationId: 'visit 5', occurredAt: new Date(86_400_000) })
  await shop.bus.publish([first, second])

  const { rows } = await shop.database.query(
    `select correlation_id, causation_id, source, metadata, occurred_at, expires_at, version,
      published_at between now() - interval '1 minute' and now() as recent
    from postbus.event order by seq`,
  )
  expect(rows).toEqual([
    {
      correlation_id: first.id,
      causation_id: null,
      source: 'shop',
      metadata: null,
      occurred_at: first.occurredAt,
      expires_at: null,
      version: 1,
      recent: true,
    },
    {
      correlation_id: 'visit 5',
      causation_id: 'form 7',
      source: 'import',
      metadata: { tenant: 'north' },
      occurred_at: new Date(86_400_000),
      expires_at: new Date(86_401_000),
      version: 1,
      recent: true,
    },
  ])
})

test('NUL and lone surrogates in data are stored, and reach the handler unchanged', async () => {
  const received: unknown[] = []
  const note = { text: 'a\u0000b', 'key\u0000': '\ud800', map: new Map([['\udc00\u0000', 1n]]) }
  const reader = defineHandler('lab.read', { on: OrderCreated, handle: ({ data }) => void received.push(data.note) })
  const bus = createBus({ connectionString: shop.connectionString, handlers: [reader], onSignal: () => undefined })

  await bus.publish(OrderCreated({ order: 'A1', note }))
  await bus.worker().drain()

  expect(received).toEqual([note])
  await bus.close()
})

function idOf(number: number): string {
  return `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`
}
