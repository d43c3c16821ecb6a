/** Assertions: the events that match, the event that is returned, the events that are used up, and the message of a failure. */
import '../../src/testing/vitest.ts'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineEvent } from '../../src/index.ts'
import {
  assertEventPublished,
  assertNoPendingEvents,
  publishedEvents,
  refuteEventPublished,
  setEventBusMode,
} from '../../src/testing/index.ts'
import { failureOf } from './failure-of.ts'
import { aBus, anOrder, CartCleared, OrderCreated, ParcelSent } from './shop.ts'

const bus = aBus()

describe.each(['mailbox', 'strict'] as const)('in %s mode', (mode) => {
  beforeEach(() => setEventBusMode(mode))

  test('an event matches by its type, and the assertion returns it decoded and frozen', async () => {
    const placedAt = new Date('2026-11-21T10:00:00Z')
    const order = anOrder({ placedAt })
    await bus.publish(order)

    const found = assertEventPublished(OrderCreated)

    expect(found).toMatchObject({ id: order.id, data: { orderId: 'o1', total: 42, placedAt }, partitionKey: 'o1' })
    expect(found.data.placedAt).not.toBe(placedAt)
    expect([Object.isFrozen(found), Object.isFrozen(found.data)]).toEqual([true, true])
  })

  test.each([
    ['a part of its data', { total: 42 }],
    ['matchers inside', { orderId: expect.stringMatching(/^o\d$/), total: expect.any(Number) }],
    ['a matcher alone', expect.objectContaining({ total: 42 })],
    ['a predicate', (event: { data: { total: number } }) => event.data.total > 41],
    ['nothing in particular', {}],
  ])('an event matches by %s', async (_, match) => {
    await bus.publish(anOrder())

    expect(assertEventPublished(OrderCreated, match).data.orderId).toBe('o1')
  })

  test('a match looks for parts at every depth, but compares arrays as a whole', async () => {
    const lines = [
      { sku: 'hat', count: 1 },
      { sku: 'mug', count: 2 },
    ]
    await bus.publish([ParcelSent({ lines }), ParcelSent({ lines: lines.slice(1) })])

    refuteEventPublished(ParcelSent, { lines: [] })
    assertEventPublished(ParcelSent, { lines: [{ count: 2 }] })
    refuteEventPublished(ParcelSent, { lines: [{ sku: 'hat' }] })
    assertEventPublished(ParcelSent, { lines: [{ sku: 'hat' }, { sku: 'mug' }] })

    assertNoPendingEvents()
  })

  test('an assertion uses up the first match, so the next assertion gets the next event', async () => {
    const [first, second] = [anOrder(), anOrder()]
    await bus.publish([first, second])

    const found = [assertEventPublished(OrderCreated, { total: 42 }).id, assertEventPublished(OrderCreated).id]

    expect(found).toEqual([first.id, second.id])
    expect(failureOf(() => assertEventPublished(OrderCreated)).message).toContain('(asserted already)')
  })

  test('events stay pending until each was asserted', async () => {
    await bus.publish([anOrder(), CartCleared({ cartId: 'c1' })])
    assertEventPublished(CartCleared)

    expect(failureOf(assertNoPendingEvents).message).toMatch(
      /^Unasserted events published in \w+ mode:\n\n {2}1\. orders/,
    )
    expect(assertNoPendingEvents).not.toThrow()
  })

  test('a list is recorded in the order of publishing, and an empty list records nothing', async () => {
    await bus.publish([])
    expect(publishedEvents()).toEqual([])

    await bus.publish([anOrder({ total: 1 }), anOrder({ total: 2 })])

    expect(publishedEvents(OrderCreated).map(({ data }) => data.total)).toEqual([1, 2])
    expect(publishedEvents(CartCleared)).toEqual([])
    for (const _ of publishedEvents()) assertEventPublished(OrderCreated)
  })

  test('refuting passes when no matching event was published, or all matching ones were asserted', async () => {
    await bus.publish(anOrder())

    refuteEventPublished(CartCleared)
    refuteEventPublished(OrderCreated, { total: 41 })
    assertEventPublished(OrderCreated)
    refuteEventPublished(OrderCreated)
  })

  test('refuting a published event fails with its data and place', async () => {
    await bus.publish(anOrder())

    const { message } = failureOf(() => refuteEventPublished(OrderCreated, { total: 42 }))

    expect(message).toContain('Expected no event "orders.order-created" matching { total: 42 }.')
    expect(message).toMatch(
      /1\. orders\.order-created \{ orderId: 'o1', total: 42 \} {3}at .*assertions\.test\.ts:\d+:\d+/,
    )
    assertEventPublished(OrderCreated)
  })
})

test('in strict mode events from before the mode was set cannot be asserted', async () => {
  await bus.publish(anOrder())
  setEventBusMode('strict')

  const { message } = failureOf(() => assertEventPublished(OrderCreated))

  expect(message).toContain('(before strict mode)')
})

describe('a failure', () => {
  test('says which event was expected, which were published instead, where, and which field differs', async () => {
    setEventBusMode('strict')
    await checkout()

    const failure = failureOf(() => assertEventPublished(OrderCreated, { total: 42 }))
    assertEventPublished(OrderCreated)
    assertEventPublished(CartCleared)

    expect(failure.message.replace(/:\d+:\d+\)/g, ':0)')).toBe(
      [
        'Expected an event "orders.order-created" matching { total: 42 }.',
        'Published in this test (strict):',
        "  1. orders.order-created { orderId: 'o1', total: 41 }   at checkout (test/testing/assertions.test.ts:0)",
        '       total: expected 42, got 41',
        "  2. carts.cart-cleared { cartId: 'c9' }   at checkout (test/testing/assertions.test.ts:0)",
      ].join('\n'),
    )
  })

  test('is an AssertionError with the match as `expected` and the closest event as `actual`', async () => {
    await bus.publish([CartCleared({ cartId: 'c1' }), anOrder({ orderId: 'o2', total: 1 }), anOrder({ total: 41 })])

    const failure = failureOf(() => assertEventPublished(OrderCreated, { orderId: 'o1', total: 42 }))

    expect(failure).toMatchObject({
      name: 'AssertionError',
      actual: { orderId: 'o1', total: 41 },
      expected: { orderId: 'o1', total: 42 },
    })
  })

  test('has the line of the assertion as its first frame', () => {
    const failure = failureOf(() => assertEventPublished(OrderCreated))

    expect(failure.stack?.split('\n').find((line) => line.startsWith('    at '))).toContain('assertions.test.ts')
    expect(failure.message).toContain('Nothing was published in this test (mailbox).')
  })

  test('prints matchers by the names of the test runner', async () => {
    await bus.publish(anOrder())

    const { message } = failureOf(() => assertEventPublished(OrderCreated, { orderId: expect.any(Number) }))

    expect(message).toContain('matching { orderId: Any<Number> }.')
    expect(message).toContain("orderId: expected Any<Number>, got 'o1'")
  })

  test('asks for the names when several buses are unnamed', async () => {
    await Promise.all([aBus(), aBus()].map((one) => one.publish(anOrder())))

    const { message } = failureOf(() => assertEventPublished(CartCleared))

    expect(message).toContain(
      'Several buses have published. To tell them apart, give each a name: createBus({ source }).',
    )
  })

  test('tells versions apart when they matter', async () => {
    const Newer = defineEvent('carts.cart-cleared', { schema: z.object({ cartId: z.string() }), version: 2 })
    await bus.publish(Newer({ cartId: 'c1' }))

    const { message } = failureOf(() => assertEventPublished(CartCleared))

    expect(message).toContain("1. carts.cart-cleared (version 2) { cartId: 'c1' }")
  })

  test('tells several buses apart', async () => {
    await Promise.all(['shop', 'cargo'].map((source) => aBus({ source }).publish(anOrder())))

    const { message } = failureOf(() => assertEventPublished(CartCleared))

    expect(message).toMatch(/from shop[\s\S]*from cargo/)
  })
})

describe('waiting for an event', () => {
  test('resolves with an event that was published before', async () => {
    await bus.publish(anOrder())

    const found = await assertEventPublished(OrderCreated, { total: 42 }, { withinMs: 5_000 })

    expect(found.data.orderId).toBe('o1')
  })

  test('resolves as soon as the event is published, and uses it up in strict mode', async () => {
    setEventBusMode('strict')
    setImmediate(() => void bus.publish([CartCleared({ cartId: 'c1' }), anOrder()]))

    const found = await assertEventPublished(OrderCreated, undefined, { withinMs: 10_000 })

    expect(found.data.total).toBe(42)
    assertEventPublished(CartCleared)
    assertNoPendingEvents()
  })

  test('gives two waiting assertions one event each', async () => {
    const waiting = [1, 2].map(() => assertEventPublished(OrderCreated, {}, { withinMs: 10_000 }))

    await bus.publish([anOrder(), anOrder()])

    const [one, other] = await Promise.all(waiting)
    expect(one?.id).not.toBe(other?.id)
  })

  test('fails when its time is over, with the line of the assertion', async () => {
    const failure = await assertEventPublished(OrderCreated, undefined, { withinMs: 1 }).catch((error: Error) => error)

    expect(failure).toHaveProperty(
      'message',
      expect.stringContaining('Expected an event "orders.order-created" within 1 ms.'),
    )
    expect(failure).toHaveProperty('stack', expect.stringMatching(/\n {4}at .*assertions\.test\.ts/))
  })

  test('uses real time, also under fake timers', async () => {
    vi.useFakeTimers()

    const failure = await assertEventPublished(OrderCreated, undefined, { withinMs: 1 }).catch((error: Error) => error)

    vi.useRealTimers()
    expect(failure).toHaveProperty('name', 'AssertionError')
  })
})

async function checkout(): Promise<void> {
  await bus.publish(anOrder({ total: 41 }))
  await bus.publish(CartCleared({ cartId: 'c9' }))
}
