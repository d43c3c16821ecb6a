/** Broadcasts in tests: recorded where events are recorded, and heard where handlers run. */
import '../../src/testing/vitest.ts'
import { expect, test } from 'vitest'
import { createBus } from '../../src/index.ts'
import { broadcastEvents, publishedEvents, setEventBusMode } from '../../src/testing/index.ts'
import { CartCleared, OrderCreated, anOrder } from './shop.ts'

/** No database is there: in a test nothing of this may look for one. */
const bus = createBus({ connectionString: 'postgres://nobody@127.0.0.1:1/none' })

test.each(['mailbox', 'strict'] as const)('in mode %s they are recorded apart, and heard by no one', async (mode) => {
  setEventBusMode(mode)
  const heard: unknown[] = []
  await bus.listen('*', (event) => heard.push(event))
  const order = anOrder()

  await bus.broadcast(order)

  expect(broadcastEvents()).toMatchObject([{ id: order.id, correlationId: order.id }])
  expect(broadcastEvents(OrderCreated).map(({ data }) => data.total)).toEqual([42])
  expect(broadcastEvents(CartCleared)).toEqual([])
  expect({ heard, published: publishedEvents() }).toEqual({ heard: [], published: [] })
})

test('in inline mode those who listen hear them before broadcast returns', async () => {
  setEventBusMode('inline')
  const heard: number[] = []
  const stop = await bus.listen(OrderCreated, ({ data }) => void heard.push(data.total))

  await bus.broadcast(anOrder())
  await stop()
  await bus.broadcast(anOrder())

  expect(heard).toEqual([42])
  expect(() => broadcastEvents()).toThrow(expect.objectContaining({ code: 'POSTBUS_MODE_RECORDS_NOTHING' }))
})
