/** Subscriptions: lists of event types, patterns and regular expressions, and one definition under several names. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, failed } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { emptyTables, storedDeliveries } from '../support/stored.ts'

const Sold = defineEvent('shop.sold', { schema: z.object({ total: z.number() }) })
const SoldLater = defineEvent('shop.sold', { schema: z.object({ cents: z.bigint() }), version: 2 })
const Moved = defineEvent('stock.moved', { schema: z.object({ pieces: z.number() }) })
const Sent = defineEvent('mail.sent', { schema: z.object({ to: z.string() }) })
const Closed = defineEvent('shop.closed', { schema: z.object({}) })

const seen: string[] = []
const audit = defineHandler('audit.mixed', {
  on: [Sold, 'stock.*', /^mail\./g],
  interested: (event) => !Sold.is(event) || event.data.total > 0,
  handle: (event) => void seen.push(Sold.is(event) ? `sold for ${event.data.total}` : event.type),
})

/** One definition that makes a handler for each channel. */
function notify(channel: string, options: { over: number; maxAttempts?: number }) {
  return defineHandler(`notify.${channel}`, {
    on: Sold,
    interested: (event) => event.data.total > options.over,
    maxAttempts: options.maxAttempts ?? 5,
    backoff: () => 0,
    handle(event) {
      seen.push(`${channel} ${event.data.total}`)
      return event.data.total === 13 ? failed('unlucky') : undefined
    },
  })
}

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({
    handlers: [audit, notify('sales', { over: 5, maxAttempts: 2 }), notify('press', { over: 100 })],
  })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  seen.length = 0
})

test('a list matches what any of its members matches, and an event type narrows the type of the event', async () => {
  await shop.bus.publish([Sold({ total: 1 }), Sold({ total: 0 }), SoldLater({ cents: 1n }), Closed({})])
  await shop.bus.publish([Moved({ pieces: 1 }), Sent({ to: 'ada' }), Sent({ to: 'bob' }), Sent({ to: 'cyd' })])
  await drained(shop.bus)

  expect(seen.toSorted()).toEqual(['mail.sent', 'mail.sent', 'mail.sent', 'sold for 1', 'stock.moved'])
})

test('handlers of one definition have their own names, filters and options', async () => {
  await shop.bus.publish([Sold({ total: 6 }), Sold({ total: 101 })])

  const receivers = (await storedDeliveries(shop.database)).map(({ handler }) => handler)
  await drained(shop.bus)

  expect(receivers.filter((name) => name.startsWith('notify')).toSorted()).toEqual([
    'notify.press',
    'notify.sales',
    'notify.sales',
  ])
  expect(seen.filter((note) => !note.startsWith('sold')).toSorted()).toEqual(['press 101', 'sales 101', 'sales 6'])
})

test('a failure of one of these handlers does not affect the others', async () => {
  await shop.bus.publish(Sold({ total: 13 }))
  await drained(shop.bus)

  const { deadLetters } = await shop.bus.deadLetters.list()
  expect(deadLetters.map(({ handler, attempts }) => [handler, attempts.length])).toEqual([['notify.sales', 2]])
  expect(seen).toContain('sold for 13')
})

test('two of these handlers with the same name are refused, and the error says that one line made both', () => {
  const handlers = [notify('sales', { over: 1 }), notify('sales', { over: 2 })]

  const create = () => createBus({ connectionString: shop.connectionString, handlers })

  expect(create).toThrow(
    expect.objectContaining({
      code: 'POSTBUS_DUPLICATE_HANDLER',
      message: expect.stringContaining('One line made both: let it give each a name of its own.') as unknown,
    }),
  )
})
