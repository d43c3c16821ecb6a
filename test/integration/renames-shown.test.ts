/** Names of a renamed handler or event type: the ones that people see, and the ones that patterns in `on` and operators can use. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createBus, defineHandler, type AnyHandler, type Bus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { handlerOf, NewEvent, OldEvent, type Ran } from '../support/renamed.ts'
import { emptyTables } from '../support/stored.ts'

let shop: TestBus
let ran: Ran[] = []
const opened: Bus[] = []

beforeAll(async () => {
  shop = await openTestBus()
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  ran = []
  return async () => void (await Promise.all(opened.splice(0).map((bus) => bus.close())))
})

describe('a pattern matches an event type by any of its names', () => {
  test.each(['orders.*', 'sales.*', /^orders\.made$/])('%s', async (pattern) => {
    const types: string[] = []
    const audit = defineHandler('audit.log', { on: pattern, handle: ({ type }) => void types.push(type) })
    const bus = open([audit, handlerOf('new', ran)])

    await bus.publish(NewEvent({ orderId: 'o-1', turn: 1 }))
    await drained(bus)

    expect(types).toEqual(['sales.order-placed'])
  })

  test('for a type that the bus does not know, it matches the stored name, in publishers and workers alike', async () => {
    const types: string[] = []
    const audit = (name: string, on: string) =>
      defineHandler(name, { on, handle: ({ type }) => void types.push(`${name} ${type}`) })
    const bus = open([audit('audit.orders', 'orders.*'), audit('audit.sales', 'sales.*')])

    await bus.publish(NewEvent({ orderId: 'o-1', turn: 1 }))
    await drained(bus)

    expect(types).toEqual(['audit.orders orders.created'])
  })
})

describe('operators see the new names, and can use any', () => {
  const NAMES = ['mail.receipts', 'post.deliver-receipt']

  test.each(NAMES)('dead letters and lanes of %s', async (handler) => {
    const failing = open([
      defineHandler('mail.receipt', { on: OldEvent, onDead: 'block', maxAttempts: 1, handle: () => Promise.reject() }),
    ])
    await failing.publish([1, 2].map((turn) => OldEvent({ orderId: 'o-1', turn })))
    await drained(failing)
    const bus = open([handlerOf('new', ran)])

    const letters = await bus.deadLetters.list({ handler, eventType: 'orders.created' })
    const counts = [await bus.deadLetters.count({ handler }), await bus.deadLetters.count({ eventType: NewEvent.type })]
    const lane = await bus.lanes.show({ handler, partitionKey: 'o-1' })
    const { lanes } = await bus.lanes.list({ handler })
    const skipped = await bus.lanes.skipHead({ handler, partitionKey: 'o-1' })
    const retried = await bus.deadLetters.retry({ handler, eventType: 'orders.made' })
    await drained(bus)

    const shown = { handler: 'post.deliver-receipt', eventType: 'sales.order-placed' }
    expect(letters.deadLetters).toMatchObject([shown])
    expect(counts).toEqual([1, 1])
    expect(lane).toMatchObject({ ...shown, state: 'blocked' })
    expect(lanes).toMatchObject([shown])
    expect([skipped, retried]).toEqual([{ count: 1 }, { count: 1 }])
    expect(ran.map(({ turn }) => turn).toSorted((one, other) => one - other)).toEqual([1, 2])
  })
})

test.each(['sales.*', 'sales.order-placed', 'orders.*', 'orders.made', 'orders.created'])(
  'the record finds a renamed type by %s',
  async (type) => {
    const bus = open([handlerOf('new', ran)])
    await bus.publish([1, 2].map((turn) => NewEvent({ orderId: 'o-1', turn })))

    const { events } = await bus.events.list({ type })

    expect(events.map((event) => event.type)).toEqual(['sales.order-placed', 'sales.order-placed'])
    expect(await bus.events.countByType({ type })).toEqual({ 'sales.order-placed': 2 })
    expect(await bus.events.redact({ type }, { reason: 'by law', preview: true })).toEqual({ count: 2 })
    expect(await bus.events.count({ type: `${type}.of-another-shop` })).toBe(0)
  },
)

function open(handlers: readonly AnyHandler[]): Bus {
  const bus = createBus({ connectionString: shop.connectionString, handlers, onSignal: () => undefined })
  opened.push(bus)
  return bus
}
