/** Broadcasts in tests: recorded in the modes that record events, and heard in the mode that runs handlers. */
import '../../src/testing/vitest.ts'
import { expect, test } from 'vitest'
import { createBus } from '../../src/index.ts'
import { broadcastEvents, publishedEvents, setEventBusMode } from '../../src/testing/index.ts'
import { CartCleared, OrderCreated, anOrder } from './shop.ts'

/** There is no database at this address: nothing in this test may connect to one. */
const bus = createBus({ connectionString: 'postgres://nobody@127.0.0.1:1/none' })

test.each(['mailbox', 'strict'] as const)(
  'in %s mode broadcasts are recorded separately, and no listener hears them',
  async (mode) => {
    setEventBusMode(mode)
    const heard: unknown[] = []
    await bus.listen('*', (event) => heard.push(event))
    const order = anOrder()

    await bus.broadcast(order)

    expect(broadcastEvents()).toMatchObject([{ id: order.id, correlationId: order.id }])
    expect(broadcastEvents(OrderCreated).map(({ data }) => data.total)).toEqual([42])
    expect(broadcastEvents(CartCleared)).toEqual([])
    expect({ heard, published: publishedEvents() }).toEqual({ heard: [], published: [] })
  },
)

test('in inline mode listeners hear a broadcast before it returns', async () => {
  setEventBusMode('inline')
  const heard: number[] = []
  const stop = await bus.listen(OrderCreated, ({ data }) => void heard.push(data.total))

  await bus.broadcast(anOrder())
  await stop()
  await bus.broadcast(anOrder())

  expect(heard).toEqual([42])
  expect(() => broadcastEvents()).toThrow(expect.objectContaining({ code: 'POSTBUS_MODE_RECORDS_NOTHING' }))
})
