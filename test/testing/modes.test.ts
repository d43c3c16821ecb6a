/** Modes: what becomes of the events of a test, chosen for the file, for the test, and in the middle of it. */
import '../../src/testing/vitest.ts'
import { EventEmitter } from 'node:events'
import { beforeAll, describe, expect, test } from 'vitest'
import { defineHandler } from '../../src/index.ts'
import {
  assertEventPublished,
  getEventBusMode,
  publishedEvents,
  setEventBusMode,
  withTestBus,
} from '../../src/testing/index.ts'
import { failureOf } from './failure-of.ts'
import { aBus, anOrder, CartCleared, OrderCreated } from './shop.ts'

const bus = aBus()

test('the mode is mailbox as long as none was chosen', () => {
  expect(getEventBusMode()).toBe('mailbox')
})

test.each(['mailbox', 'strict', 'inline', 'live'] as const)('the mode %s is set and read', (mode) => {
  setEventBusMode(mode)

  expect(getEventBusMode()).toBe(mode)
})

test('default is another name of mailbox', () => {
  setEventBusMode('strict')

  setEventBusMode('default')

  expect(getEventBusMode()).toBe('mailbox')
})

test('the mode follows into promises, timers and emitters, nested too', async () => {
  setEventBusMode('strict')
  const emitter = new EventEmitter()

  const modes = await Promise.all([
    Promise.resolve().then(async () => getEventBusMode()),
    new Promise((resolve) => setTimeout(() => setImmediate(() => resolve(getEventBusMode())), 1)),
    new Promise((resolve) => {
      emitter.on('ping', () => queueMicrotask(() => resolve(getEventBusMode())))
      process.nextTick(() => emitter.emit('ping'))
    }),
  ])

  expect(modes).toEqual(['strict', 'strict', 'strict'])
})

test('a mode chosen in one test is not that of the next', () => {
  expect(getEventBusMode()).toBe('mailbox')
})

test('mailbox mode records, and fails nothing that is not asserted', async () => {
  const { events } = await bus.publish([anOrder(), CartCleared({ cartId: 'c1' })])

  expect(publishedEvents().map(({ type }) => type)).toEqual(['orders.order-created', 'carts.cart-cleared'])
  expect(events.map(({ deliveries }) => deliveries)).toEqual([2, 0])
})

test('an event published twice is recorded once, and answered as a duplicate', async () => {
  const order = anOrder()
  await bus.publish(order)

  const again = await bus.publish([order])

  expect(again.events).toEqual([{ id: order.id, deliveries: 0, duplicate: true }])
  expect(publishedEvents()).toHaveLength(1)
})

test('the next test may publish the same id again', async () => {
  const order = anOrder()
  const publishing = () => withTestBus(() => bus.publish(order))

  const answers = [await publishing(), await publishing()]

  expect(answers.map(({ events }) => events[0]?.duplicate)).toEqual([false, false])
})

test('leaving strict mode after everything was asserted passes', async () => {
  setEventBusMode('strict')
  await bus.publish(anOrder())
  assertEventPublished(OrderCreated)

  setEventBusMode('mailbox')

  expect(getEventBusMode()).toBe('mailbox')
})

test('leaving strict mode with unasserted events fails, lists each with its data and place, and does so once', async () => {
  setEventBusMode('strict')
  await bus.publish([anOrder(), CartCleared({ cartId: 'c9' })])

  const leave = () => setEventBusMode('mailbox')

  expect(leave).toThrow('Unasserted events published in strict mode')
  expect(leave).not.toThrow()
  expect(getEventBusMode()).toBe('mailbox')
})

test('the complaint names the data and the line of whoever published, and nothing of the bus', async () => {
  setEventBusMode('strict')
  await checkout()

  const { message } = failureOf(() => setEventBusMode('inline'))

  expect(message).toMatch(
    /1\. orders\.order-created \{ orderId: 'o1', total: 42 \}\n +Published at: checkout \(test\/testing\/modes\.test\.ts:\d+:\d+\)/,
  )
  expect(message).not.toMatch(/src\/|node:/)
})

test('going from strict to strict leaves nothing', async () => {
  setEventBusMode('strict')
  await bus.publish(anOrder())

  setEventBusMode('strict')

  expect(assertEventPublished(OrderCreated).data.total).toBe(42)
})

test('noise before strict mode and after it is not expected of anyone', async () => {
  await bus.publish(CartCleared({ cartId: 'fixture' }))
  setEventBusMode('strict')
  await bus.publish(anOrder())
  assertEventPublished(OrderCreated)
  setEventBusMode('default')
  await bus.publish(CartCleared({ cartId: 'more noise' }))

  setEventBusMode('strict')

  await bus.publish(anOrder({ total: 7 }))
  assertEventPublished(OrderCreated, { total: 7 })
})

test('a mode that does not exist is refused with the list of those that do', () => {
  const { message } = failureOf(() => setEventBusMode('sloppy' as never))

  expect(message).toContain(`'mailbox' (or 'default'), 'strict', 'inline' or 'live'`)
})

test('a bus without a database is ready in mailbox mode, and not in live mode', async () => {
  await expect(bus.ready()).resolves.toBeUndefined()

  setEventBusMode('live')

  await expect(bus.ready()).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
  await expect(bus.publish(anOrder())).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
})

test('a bus made to be inline stays so until a mode is chosen', async () => {
  const handled: string[] = []
  const note = defineHandler('test.note', { on: OrderCreated, handle: ({ data }) => void handled.push(data.orderId) })
  const inline = aBus({ backend: 'inline', handlers: [note] })
  await inline.publish(anOrder())
  expect([handled, publishedEvents()]).toEqual([['o1'], []])

  setEventBusMode('mailbox')

  await inline.publish(anOrder())
  expect(publishedEvents()).toHaveLength(1)
})

test('what a bus made to be strict publishes must be asserted, without choosing a mode', async () => {
  const strict = aBus({ backend: 'strict' })
  const forgetful = withTestBus(() => strict.publish(anOrder()))
  await expect(forgetful).rejects.toThrow('Unasserted events published in strict mode')

  await strict.publish(anOrder())

  assertEventPublished(OrderCreated)
})

describe('strict mode outside of tests', () => {
  beforeAll(async () => {
    setEventBusMode('strict')
    await bus.publish(anOrder())
    setEventBusMode('mailbox') // would fail if the order were expected
  })

  test('expects nothing of anyone', () => {
    expect(getEventBusMode()).toBe('mailbox')
  })
})

describe('a mode chosen in beforeAll', () => {
  beforeAll(() => setEventBusMode('strict'))

  test('is the one that tests begin with', () => {
    expect(getEventBusMode()).toBe('strict')
    setEventBusMode('inline')
  })

  test('is there again after a test has chosen another', () => {
    expect(getEventBusMode()).toBe('strict')
  })
})

async function checkout(): Promise<void> {
  await Promise.resolve()
  await bus.publish(anOrder())
}
