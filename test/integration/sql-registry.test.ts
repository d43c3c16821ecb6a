/** The registry for SQL publishers: the entries that `migrate` writes, and the service that each belongs to. */
import { afterEach, beforeAll, afterAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineHandler,
  type AnyHandler,
  type Bus,
  type BusOptions,
  type BusSignal,
  type Envelope,
} from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { emptyTables } from '../support/stored.ts'

const Paid = defineEvent('finances.paid', { schema: z.object({ account: z.string() }) })
const Refunded = defineEvent('finances.refunded', { schema: z.unknown() })
const Shipped = defineEvent('stock.shipped', { schema: z.unknown() })
const handled: string[] = []
const handler = (name: string, on: AnyHandler['on'], queue = 'events') =>
  defineHandler(name, { on, queue, handle: (event: Envelope) => void handled.push(`${name} ${event.type}`) })
const book = handler('finances.book', Paid)
const audit = handler('audit.log', /^finances\./)
const ship = handler('stock.ship', [Shipped, Paid], 'stock')

let shop: TestBus
const opened: Bus[] = []
const signals: BusSignal[] = []

beforeAll(async () => {
  shop = await openTestBus()
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  await shop.database.query('truncate postbus.registry cascade')
  handled.length = 0
  signals.length = 0
})

afterEach(async () => void (await Promise.all(opened.splice(0).map((bus) => bus.close()))))

test('a bus with handlers registers them once, and has nothing to do the second time', async () => {
  const announced: string[] = []
  const bus = busWith({ handlers: [book, audit], events: [Refunded] })

  const dry = await bus.migrate({ dryRun: true })
  const first = await bus.migrate({ onStep: (step) => announced.push(step) })
  const second = await bus.migrate()

  const step = 'register 2 event types and 2 handlers for SQL publishers'
  expect([dry.steps, first.steps, announced, second.steps]).toEqual([[step], [step], [step], []])
  expect(await types(bus)).toEqual(['finances.paid: audit.log, finances.book', 'finances.refunded: audit.log'])
})

test('a pattern is resolved again when a type is added, and a removed handler gets no more events', async () => {
  await busWith({ handlers: [book, audit] }).migrate()
  const later = busWith({ handlers: [audit], events: [Paid, Refunded] })
  await later.migrate()

  await publish('finances.paid', '{"account": "a"}')
  await publish('finances.refunded')
  await drained(later)

  expect(handled).toEqual(['audit.log finances.paid', 'audit.log finances.refunded'])
})

test('a removed type can no longer be published', async () => {
  await busWith({ handlers: [book], events: [Refunded] }).migrate()
  await busWith({ handlers: [book] }).migrate()

  await expect(publish('finances.refunded')).rejects.toMatchObject({ code: 'PB010' })
})

test('an older deploy does not replace the registry of a newer one, and reports this', async () => {
  const older = busWith({ handlers: [book] })
  const newer = busWith({ handlers: [book, audit] })
  await older.migrate()
  await newer.migrate()

  const dry = await older.migrate({ dryRun: true })
  const { steps, registryKept } = await older.migrate()

  expect(steps).toEqual([])
  expect(dry.registryKept).toBe(registryKept)
  expect(registryKept).toContain('newer deploy of service "main"')
  expect(signals.filter(({ name }) => name === 'registry.kept')).toHaveLength(2)
  expect(await types(newer)).toEqual(['finances.paid: audit.log, finances.book'])
})

test('a deliberate rollback replaces the registry, and the deploy that was rolled back then counts as the older one', async () => {
  const older = busWith({ handlers: [book] })
  const newer = busWith({ handlers: [book, audit] })
  await older.migrate()
  await newer.migrate()

  const { steps } = await older.migrate({ replaceRegistry: true })
  const late = await newer.migrate()
  const next = await busWith({ handlers: [book], events: [Refunded] }).migrate()
  const last = await older.migrate()

  expect(steps).toEqual(['register 1 event type and 1 handler for SQL publishers'])
  expect(late.registryKept).not.toBeNull()
  expect(next.steps).toEqual(['register 2 event types and 1 handler for SQL publishers'])
  expect(last.registryKept).not.toBeNull()
  expect(await types(older)).toEqual(['finances.paid: finances.book', 'finances.refunded: '])
})

test('two services on one schema each keep their own entries, and an event goes to the handlers of both', async () => {
  const finances = busWith({ service: 'finances', handlers: [book] })
  const stock = busWith({ service: 'stock', handlers: [ship] })
  await finances.migrate()
  await stock.migrate()

  await publish('finances.paid', '{"account": "a"}')
  await finances.worker({ queues: { events: 1 } }).drain()
  await stock.worker({ queues: { stock: 1 } }).drain()

  expect(handled).toEqual(['finances.book finances.paid', 'stock.ship finances.paid'])
  expect(await types(finances)).toEqual(['finances.paid: finances.book, stock.ship', 'stock.shipped: stock.ship'])

  await busWith({ service: 'finances', handlers: [book, audit] }).migrate()
  expect(await types(finances)).toEqual([
    'finances.paid: audit.log, finances.book, stock.ship',
    'stock.shipped: stock.ship',
  ])
})

test('a handler that two services register gets an event once, with the settings of the last registration', async () => {
  const elsewhere = handler('finances.book', Paid, 'slow')
  await busWith({ service: 'one', handlers: [book] }).migrate()
  await busWith({ service: 'two', handlers: [elsewhere] }).migrate()

  await publish('finances.paid', '{"account": "a"}')

  const { rows } = await shop.database.query('select name from pgboss.job')
  expect(rows).toEqual([{ name: 'slow' }])
})

test('two services without names do not replace each other', async () => {
  await busWith({ handlers: [book] }).migrate()
  const stranger = busWith({ handlers: [handler('stock.count', Shipped)] })

  const { registryKept } = await stranger.migrate()

  expect(registryKept).toContain('createBus({ service })')
  expect(await types(stranger)).toEqual(['finances.paid: finances.book'])
})

test('a bus without handlers and event types registers nothing, and removes nothing unless replaceRegistry is set', async () => {
  await busWith({ handlers: [book] }).migrate()
  const empty = busWith({})

  expect(await empty.migrate()).toEqual({ steps: [], registryKept: null })
  expect(await types(empty)).toHaveLength(1)
  await empty.migrate({ replaceRegistry: true })
  expect(await types(empty)).toEqual([])
})

test('if several migrate at once, any of them can be the last, and the registry is complete', async () => {
  const buses = [[book], [book, audit], [book, ship], [book, audit, ship]].map((handlers) => busWith({ handlers }))

  await Promise.all(buses.map((bus) => bus.migrate()))

  const { rows } = await shop.database.query<{ handlers: string[] }>(
    `select array_agg(distinct handler order by handler) as handlers from postbus.subscription`,
  )
  expect([
    ['finances.book'],
    ['audit.log', 'finances.book'],
    ['finances.book', 'stock.ship'],
    ['audit.log', 'finances.book', 'stock.ship'],
  ]).toContainEqual(rows[0]?.handlers)
})

test('doctor warns if the registry differs from what this code would register', async () => {
  const bus = busWith({ handlers: [book] })
  const registryOf = async (one: Bus) => (await one.doctor()).find(({ check }) => check === 'registry')

  const before = await registryOf(bus)
  await bus.migrate()
  const after = await registryOf(bus)
  const changed = await registryOf(busWith({ handlers: [book, audit] }))

  expect(before).toMatchObject({
    status: 'warning',
    message: expect.stringContaining('nothing is registered') as unknown,
  })
  expect(after).toEqual({
    check: 'registry',
    status: 'ok',
    message: 'SQL may publish what this code knows, as service "main"',
  })
  expect(changed).toMatchObject({
    status: 'warning',
    message: expect.stringMatching(/registered by other code.*npx postbus migrate$/) as unknown,
  })
  expect(await registryOf(busWith({}))).toMatchObject({ status: 'ok' })
})

test('if migrate has not created a queue yet, the error says so, and nothing is stored', async () => {
  await busWith({ handlers: [book] }).migrate()
  await shop.database.query(`update postbus.subscription set queue = 'missing'`)

  await expect(publish('finances.paid', '{"account": "a"}')).rejects.toMatchObject({ code: 'PB002' })
})

function busWith(options: BusOptions): Bus {
  const bus = createBus({
    connectionString: shop.connectionString,
    onSignal: (signal) => signals.push(signal),
    ...options,
  })
  opened.push(bus)
  return bus
}

async function types(bus: Bus): Promise<readonly string[]> {
  return (await bus.publishableTypes()).map(({ type, handlers }) => `${type}: ${handlers.join(', ')}`)
}

async function publish(type: string, data = 'null'): Promise<void> {
  await shop.database.query('select postbus.publish_event($1, $2)', [type, data])
}
