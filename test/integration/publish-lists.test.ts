/** A list of events with different receivers: each event goes to its own handlers, through the queue that its key requires. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { storedDeliveries } from '../support/stored.ts'

const PartMoved = defineEvent('stock.part-moved', {
  schema: z.object({ pieces: z.number(), shelf: z.string().nullable() }),
  partitionKey: ({ shelf }) => shelf,
})
const count = defineHandler('stock.count', { on: PartMoved, handle: () => undefined })
const reorder = defineHandler('stock.reorder', {
  on: PartMoved,
  queue: 'orders',
  priority: 4,
  interested: ({ data }) => data.pieces > 50,
  handle: () => undefined,
})

let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers: [count, reorder] })
})

afterAll(() => shop.close())

test('events with and without a key, for one handler and for two, in one list', async () => {
  const list = [
    { pieces: 1, shelf: 'red' },
    { pieces: 2, shelf: null },
    { pieces: 99, shelf: null },
    { pieces: 98, shelf: 'blue' },
    { pieces: 3, shelf: 'blue' },
  ].map((data) => PartMoved(data))

  const { events } = await shop.bus.publish(list)

  expect(events.map(({ deliveries }) => deliveries)).toEqual([1, 1, 2, 2, 1])
  const place = new Map(list.map(({ id }, index) => [id, index]))
  const stored = (await storedDeliveries(shop.database)).map((row) => [
    place.get(row.event ?? ''),
    row.handler,
    row.queue,
    row.priority,
    row.singleton_key,
  ])
  expect(new Set(stored.map((row) => row.join(' ')))).toEqual(
    new Set([
      '0 stock.count events_partitioned 0 stock.count:red',
      '1 stock.count events 0 ',
      '2 stock.count events 0 ',
      '2 stock.reorder orders -4 ',
      '3 stock.count events_partitioned 0 stock.count:blue',
      '3 stock.reorder orders_partitioned -4 stock.reorder:blue',
      '4 stock.count events_partitioned 0 stock.count:blue',
    ]),
  )
})
