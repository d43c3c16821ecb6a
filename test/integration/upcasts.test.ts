/** Handlers get the newest version of an event, also if an older one is stored. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type AnyHandler, type Bus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { anOrderOf, MATRIX, receiptOf, SEEN, V1, V3 } from '../support/order-versions.ts'
import { emptyTables } from '../support/stored.ts'

let shop: TestBus
const opened: Bus[] = []

beforeAll(async () => {
  shop = await openTestBus()
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  return async () => void (await Promise.all(opened.splice(0).map((bus) => bus.close())))
})

describe('a worker with each version of the code, and events of each version', () => {
  test.each(MATRIX)('code of version $code, stored by code of version $stored', async ({ code, stored }) => {
    const seen: object[] = []
    await busWith(receiptOf(stored, [])).publish(anOrderOf[stored]())

    const counts = await drained(busWith(receiptOf(code, seen)))

    const isNewer = stored > code
    expect(seen).toEqual(isNewer ? [] : [SEEN[code]])
    expect(counts).toEqual({ done: isNewer ? 0 : 1, failed: 0, dead: 0, snoozed: isNewer ? 1 : 0 })
  })
})

test('a handler that lists the old version gets it, and a pattern gets the newest', async () => {
  const seen: Record<string, number> = {}
  const note = (name: string) => (event: { version: number }) => void (seen[name] = event.version)
  const handlers = [
    defineHandler('mail.both', { on: [V1, V3], handle: note('both') }),
    defineHandler('mail.newest', { on: V3, handle: note('newest') }),
    defineHandler('audit.log', { on: 'orders.*', handle: note('pattern') }),
  ]
  await busWith(...handlers).publish(anOrderOf[1]())

  await drained(busWith(...handlers))

  expect(seen).toEqual({ both: 1, newest: 3, pattern: 3 })
})

test('several handlers of one event do not see each other’s changes to it', async () => {
  const defaults = ['standard']
  const Shipped = defineEvent('orders.shipped', {
    version: 2,
    schema: z.custom<{ options: string[] }>(),
    upcasts: { 1: () => ({ options: defaults }) },
  })
  const lengths: number[] = []
  const spoil = (name: string) =>
    defineHandler(name, { on: Shipped, handle: ({ data }) => void lengths.push(data.options.push(name)) })
  const Old = defineEvent('orders.shipped', { schema: z.object({}) })
  const handlers = ['mail.one', 'mail.other']
  await busWith(...handlers.map((name) => defineHandler(name, { on: Old, handle: () => undefined }))).publish(Old({}))

  await drained(busWith(...handlers.map(spoil)))

  expect(lengths).toEqual([2, 2])
  expect(defaults).toEqual(['standard'])
})

test('a missing upcast makes a dead letter at once, which names the upcast; with the upcast it can be retried', async () => {
  const seen: object[] = []
  const schema = V3Schema()
  const gap = defineEvent('orders.order-created', { version: 3, schema, upcasts: { 1: (v1) => v1 } })
  await busWith(receiptOf(1, [])).publish(anOrderOf[1]())

  await drained(busWith(receiptOn(gap)))
  const { deadLetters } = await shop.bus.deadLetters.list()
  await shop.bus.deadLetters.retry({ handler: 'mail.receipt' })
  await drained(busWith(receiptOf(3, seen)))

  expect(deadLetters).toMatchObject([
    {
      reason: expect.stringContaining('there is no upcast from version 2 to 3') as unknown,
      attempts: [{ attempt: 1, code: 'POSTBUS_OLDER_VERSION' }],
    },
  ])
  expect(seen).toEqual([SEEN[3]])
})

test('an upcast that throws, or whose result the schema refuses, makes a dead letter at once, which names the upcast', async () => {
  const schema = V3Schema()
  const handlers = {
    throws: () => {
      throw new Error('no such currency')
    },
    'makes nonsense': () => ({ orderId: 7 }) as never,
  }
  const reasons: string[] = []
  for (const two of Object.values(handlers)) {
    const broken = defineEvent('orders.order-created', { version: 3, schema, upcasts: { 1: (v1) => v1, 2: two } })
    await busWith(receiptOf(1, [])).publish(anOrderOf[1]())
    await drained(busWith(receiptOn(broken)))
    const { deadLetters } = await shop.bus.deadLetters.list()
    reasons.push(...deadLetters.map(({ reason, attempts }) => `${attempts[0]?.code} ${reason}`))
    await shop.bus.deadLetters.dismiss({ all: true })
  }

  expect(reasons).toEqual([
    expect.stringMatching(/^POSTBUS_UPCAST_FAILED .*the upcast from version 2 to 3 threw: no such currency/),
    expect.stringMatching(/^POSTBUS_UPCAST_FAILED .*the upcast from version 2 returned is no data of version 3/),
  ])
})

test('an event stored in the newest version is not checked again', async () => {
  const checked: unknown[] = []
  const Counted = defineEvent('stock.counted', {
    version: 2,
    schema: z.object({ count: z.string().transform(Number) }).superRefine((data) => void checked.push(data)),
    upcasts: { 1: () => ({ count: '1' }) },
  })
  const seen: unknown[] = []
  const bus = busWith(defineHandler('stock.report', { on: Counted, handle: ({ data }) => void seen.push(data) }))
  await bus.publish(Counted({ count: '7' }))

  await drained(bus)

  expect(seen).toEqual([{ count: 7 }])
  expect(checked).toHaveLength(1)
})

test('`interested` gets the newest version too', async () => {
  const asked: number[] = []
  const bus = busWith(
    defineHandler('mail.receipt', {
      on: V3,
      interested: ({ data }) => asked.push(data.amount.cents) > 0,
      handle: () => undefined,
    }),
  )

  const { events } = await bus.publish(anOrderOf[1]())

  expect(asked).toEqual([1_250])
  expect(events).toMatchObject([{ deliveries: 1 }])
})

function busWith(...handlers: readonly AnyHandler[]): Bus {
  const bus = createBus({ connectionString: shop.connectionString, handlers, onSignal: () => undefined })
  opened.push(bus)
  return bus
}

function receiptOn(on: typeof V3): AnyHandler {
  return defineHandler('mail.receipt', { on, handle: () => undefined })
}

function V3Schema() {
  return z.object({
    orderId: z.string(),
    amount: z.string().transform(() => ({ cents: 0, currency: '' })),
  })
}
