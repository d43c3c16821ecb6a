/** Modes: how a test's events are treated, chosen for the file, for the test, and in the middle of it. */
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

test('the mode is mailbox until one is chosen', () => {
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

test('the mode applies in promises, timers and emitters too, also nested ones', async () => {
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

test('a mode that one test chose does not apply in the next', () => {
  expect(getEventBusMode()).toBe('mailbox')
})

test('mailbox mode records events, and does not fail for unasserted ones', async () => {
  const { events } = await bus.publish([anOrder(), CartCleared({ cartId: 'c1' })])

  expect(publishedEvents().map(({ type }) => type)).toEqual(['orders.order-created', 'carts.cart-cleared'])
  expect(events.map(({ deliveries }) => deliveries)).toEqual([2, 0])
})

test('an event published twice is recorded once, and publish reports a duplicate', async () => {
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

test('leaving strict mode with unasserted events fails once, and lists each with its data and place', async () => {
  setEventBusMode('strict')
  await bus.publish([anOrder(), CartCleared({ cartId: 'c9' })])

  const leave = () => setEventBusMode('mailbox')

  expect(leave).toThrow('Unasserted events published in strict mode')
  expect(leave).not.toThrow()
  expect(getEventBusMode()).toBe('mailbox')
})

test('the error names the data and the line of the publisher, and nothing of the bus', async () => {
  setEventBusMode('strict')
  await checkout()

  const { message } = failureOf(() => setEventBusMode('inline'))

  expect(message).toMatch(
    /1\. orders\.order-created \{ orderId: 'o1', total: 42 \}\n +Published at: checkout \(test\/testing\/modes\.test\.ts:\d+:\d+\)/,
  )
  expect(message).not.toMatch(/src\/|node:/)
})

test('setting strict mode again in strict mode keeps pending events', async () => {
  setEventBusMode('strict')
  await bus.publish(anOrder())

  setEventBusMode('strict')

  expect(assertEventPublished(OrderCreated).data.total).toBe(42)
})

test('events from before and after strict mode need not be asserted', async () => {
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

test('an unknown mode is refused with the list of modes', () => {
  const { message } = failureOf(() => setEventBusMode('sloppy' as never))

  expect(message).toContain(`'mailbox' (or 'default'), 'strict', 'inline' or 'live'`)
})

test('a bus without a database is ready in mailbox mode, and not in live mode', async () => {
  await expect(bus.ready()).resolves.toBeUndefined()

  setEventBusMode('live')

  await expect(bus.ready()).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
  await expect(bus.publish(anOrder())).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
})

test('a bus with the inline backend runs handlers until a mode is chosen', async () => {
  const handled: string[] = []
  const note = defineHandler('test.note', { on: OrderCreated, handle: ({ data }) => void handled.push(data.orderId) })
  const inline = aBus({ backend: 'inline', handlers: [note] })
  await inline.publish(anOrder())
  expect([handled, publishedEvents()]).toEqual([['o1'], []])

  setEventBusMode('mailbox')

  await inline.publish(anOrder())
  expect(publishedEvents()).toHaveLength(1)
})

test('events of a bus with the strict backend must be asserted, without choosing a mode', async () => {
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
    setEventBusMode('mailbox') // fails if the order were pending
  })

  test('leaves no pending events', () => {
    expect(getEventBusMode()).toBe('mailbox')
  })
})

describe('a mode chosen in beforeAll', () => {
  beforeAll(() => setEventBusMode('strict'))

  test('applies at the start of each test', () => {
    expect(getEventBusMode()).toBe('strict')
    setEventBusMode('inline')
  })

  test('applies again after a test has chosen another', () => {
    expect(getEventBusMode()).toBe('strict')
  })
})

async function checkout(): Promise<void> {
  await Promise.resolve()
  await bus.publish(anOrder())
}
