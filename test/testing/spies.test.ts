/** A test may replace our functions with its own: the bus, its operations and handlers can be spied on. */
import '../../src/testing/vitest.ts'
import { mock } from 'node:test'
import { afterEach, expect, test, vi } from 'vitest'
import { defineHandler } from '../../src/index.ts'
import { assertEventPublished, publishedEvents, runEvent, setEventBusMode } from '../../src/testing/index.ts'
import { aBus, anOrder, CartCleared, OrderCreated } from './shop.ts'

afterEach(() => void vi.restoreAllMocks())

test('a spy on publish sees the event, which is recorded with the line that published it', async () => {
  const bus = aBus()
  const publish = vi.spyOn(bus, 'publish')

  await bus.publish(anOrder())

  expect(publish).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ type: 'orders.order-created' }))
  expect(assertEventPublished(OrderCreated).data.orderId).toBe('o1')
})

test('a replaced publish sends nothing, and can fail as the database would', async () => {
  const bus = aBus()
  vi.spyOn(bus, 'publish').mockRejectedValueOnce(new Error('the database is away'))

  await expect(bus.publish(anOrder())).rejects.toThrow('the database is away')

  expect(publishedEvents()).toEqual([])
})

test('a spy on publish also sees the events that handlers publish', async () => {
  const clear = defineHandler('carts.clear', {
    on: OrderCreated,
    handle: async (_, { publish }) => void (await publish(CartCleared({ cartId: 'c1' }))),
  })
  const bus = aBus({ handlers: [clear] })
  const publish = vi.spyOn(bus, 'publish')

  setEventBusMode('inline')
  await bus.publish(anOrder())
  setEventBusMode('mailbox')
  await runEvent(clear, anOrder(), { bus })

  const types = publish.mock.calls.flatMap(([events]) => [events].flat().map(({ type }) => type))
  expect(types).toEqual(['orders.order-created', 'carts.cart-cleared', 'carts.cart-cleared'])
})

test('a spy on a handler runs in its place', async () => {
  const receipt = defineHandler('mail.receipt', { on: OrderCreated, handle: () => 'sent' })
  const handle = vi.spyOn(receipt, 'handle').mockReturnValue('not sent')
  setEventBusMode('inline')

  await aBus({ handlers: [receipt] }).publish(anOrder())

  expect(handle).toHaveBeenCalledOnce()
  expect(await runEvent(receipt, anOrder())).toEqual({ state: 'processed', result: 'not sent' })
})

test('operations can be replaced, and spies of other test runners work too', async () => {
  const bus = aBus()
  vi.spyOn(bus.deadLetters, 'list').mockResolvedValue([] as never)
  vi.spyOn(bus.lanes, 'list').mockResolvedValue([] as never)
  const publish = mock.method(bus, 'publish')

  await bus.publish(anOrder())

  expect(await bus.deadLetters.list()).toEqual([])
  expect(await bus.lanes.list()).toEqual([])
  expect(publish.mock.callCount()).toBe(1)
})
