/** `publish` itself decides which handlers receive an event, with `interested`. */
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type Bus, type BusSignalListener } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { emptyTables, storedCounts, storedDeliveries } from '../support/stored.ts'

const ShelfCounted = defineEvent('stock.shelf-counted', { schema: z.object({ pieces: z.number() }) })

const asked: unknown[] = []
const reorder = defineHandler('stock.reorder', {
  on: ShelfCounted,
  interested(event) {
    asked.push(event.data)
    return event.data.pieces < 10
  },
  handle: () => undefined,
})
const archive = defineHandler('stock.archive', { on: 'stock.*', handle: () => undefined })

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [reorder, archive] })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  asked.length = 0
})

test('a handler that is not interested gets no delivery, and is not counted', async () => {
  const result = await shop.bus.publish([ShelfCounted({ pieces: 9 }), ShelfCounted({ pieces: 10 })])

  expect(result.events.map(({ deliveries }) => deliveries)).toEqual([2, 1])
  const receivers = (await storedDeliveries(shop.database)).map(({ handler }) => handler)
  expect(receivers.toSorted()).toEqual(['stock.archive', 'stock.archive', 'stock.reorder'])
})

test('interested has run for every event before publish returns its promise', async () => {
  const publishing = shop.bus.publish([ShelfCounted({ pieces: 1 }), ShelfCounted({ pieces: 2 })])
  const askedByThen = [...asked]

  expect(askedByThen).toEqual([{ pieces: 1 }, { pieces: 2 }])
  await publishing
})

test('an event that interests no handler is stored without deliveries and without a warning', async () => {
  const bus = busWith([reorder])

  const result = await bus.publish(ShelfCounted({ pieces: 10 }))

  expect(result.events).toEqual([expect.objectContaining({ deliveries: 0, duplicate: false })])
  expect(await storedCounts(shop.database)).toEqual({ events: 1, deliveries: 0 })
  expect(shop.signalsNamed('event.no-handlers')).toEqual([])
  await bus.close()
})

test('an event without handlers is stored, and a warning names it and the versions that have handlers', async () => {
  const Newer = defineEvent('stock.shelf-counted', { version: 2, schema: z.object({}) })
  const signals: unknown[] = []
  const bus = busWith([reorder], (signal) => signals.push(signal))
  const event = Newer({})

  await bus.publish(event)

  expect(await storedCounts(shop.database)).toEqual({ events: 1, deliveries: 0 })
  expect(signals).toEqual([
    {
      name: 'event.no-handlers',
      level: 'warn',
      message:
        'stock.shelf-counted version 2 has no handlers (there are handlers for version 1): ' +
        'the event is stored, and no handler is called.',
      fields: { type: 'stock.shelf-counted', version: 2, eventId: event.id },
    },
  ])
  await bus.close()
})

test.each([
  {
    what: 'throws',
    interested: (): boolean => {
      throw new Error('no price list')
    },
    says: 'threw. The event was not published.',
  },
  { what: 'answers a promise', interested: (async () => true) as never, says: 'a promise; it runs inside publish' },
  {
    what: 'answers nothing',
    interested: (() => undefined) as never,
    says: 'returned undefined. Return true or false.',
  },
])('if interested $what, the whole list is refused, and the transaction goes on', async ({ interested, says }) => {
  const picky = defineHandler('finances.picky', { on: ShelfCounted, interested, handle: () => undefined })
  const bus = busWith([archive, picky])
  const tx = new Client({ connectionString: shop.connectionString })
  await tx.connect()

  await tx.query('begin')
  const refusal = await bus.publish(ShelfCounted({ pieces: 1 }), { tx }).catch((error: unknown) => error)
  const { events } = await shop.bus.publish(ShelfCounted({ pieces: 2 }), { tx })
  await tx.query('commit')

  expect(refusal).toMatchObject({
    code: 'POSTBUS_INTERESTED_FAILED',
    message: expect.stringContaining(says) as unknown,
  })
  expect(refusal).toHaveProperty('message', expect.stringContaining('"finances.picky" for stock.shelf-counted'))
  const receivers = (await storedDeliveries(shop.database)).map(({ event }) => event)
  expect(receivers).toEqual([events[0]?.id, events[0]?.id])
  await Promise.all([tx.end(), bus.close()])
})

test('the error that interested threw is the cause of the refusal', async () => {
  const reason = new Error('no price list')
  const broken = defineHandler('finances.broken', {
    on: ShelfCounted,
    interested: () => {
      throw reason
    },
    handle: () => undefined,
  })
  const bus = busWith([broken])

  await expect(bus.publish(ShelfCounted({ pieces: 1 }))).rejects.toHaveProperty('cause', reason)
  await bus.close()
})

function busWith(
  handlers: Parameters<typeof createBus>[0]['handlers'],
  onSignal: BusSignalListener = () => undefined,
): Bus {
  return createBus({ connectionString: shop.connectionString, handlers, onSignal })
}
