/** Each misuse gets an error that says how to fix it. This file does not load the setup file, on purpose. */
import { expect, test } from 'vitest'
import {
  allowEventBus,
  assertEventPublished,
  assertNoPendingEvents,
  getEventBusMode,
  mailboxOf,
  publishedEvents,
  refuteEventPublished,
  setEventBusMode,
  withTestBus,
} from '../../src/testing/index.ts'
import { failureOf, rejectionOf } from './failure-of.ts'
import { aBus, anOrder, CartCleared, OrderCreated } from './shop.ts'

test.each([
  ['assertEventPublished', () => assertEventPublished(OrderCreated)],
  ['refuteEventPublished', () => refuteEventPublished(OrderCreated)],
  ['publishedEvents', () => publishedEvents()],
  ['assertNoPendingEvents', () => assertNoPendingEvents()],
  ['setEventBusMode', () => setEventBusMode('strict')],
  ['getEventBusMode', () => getEventBusMode()],
  ['allowEventBus', () => allowEventBus(aBus())],
])('without the setup file, %s names the line to add', (name, call) => {
  const { code, message } = failureOf(call)

  expect(code).toBe('POSTBUS_NOT_IN_TEST')
  expect(message).toMatch(new RegExp(`^${name}\\(\\).*setupFiles: \\['postbus/vitest'\\].*withTestBus`))
})

test('without the setup file, a bus with the strict backend refuses to publish', async () => {
  const { code, message } = await rejectionOf(aBus({ backend: 'strict' }).publish(anOrder()))

  expect(code).toBe('POSTBUS_NOT_IN_TEST')
  expect(message).toContain("setupFiles: ['postbus/vitest']")
})

test.each([
  ['inline', 'handlers have already run'],
  ['live', 'drainEvents()'],
] as const)('asserting in %s mode is refused, because nothing is recorded', async (mode, hint) => {
  const calls = [
    assertNoPendingEvents,
    publishedEvents,
    () => assertEventPublished(OrderCreated),
    () => refuteEventPublished(OrderCreated),
  ]

  const failures = await withTestBus(() => calls.map(failureOf), { mode })

  for (const failure of failures) {
    expect(failure.code).toBe('POSTBUS_MODE_RECORDS_NOTHING')
    expect(failure.message).toContain(`in ${mode} mode no events are recorded`)
    expect(failure.message).toContain(hint)
    expect(failure.message).toContain(`setEventBusMode('strict')`)
  }
})

test('a value that is not an event type is refused', async () => {
  const failure = await withTestBus(() => failureOf(() => assertEventPublished('orders.order-created' as never)))

  expect(failure).toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS', message: expect.stringContaining('defineEvent(…)') })
})

test('a predicate that returns a promise is refused, because a promise is always truthy', async () => {
  const failure = await withTestBus(async () => {
    await aBus().publish(anOrder())
    return failureOf(() => assertEventPublished(OrderCreated, (async () => false) as never))
  })

  expect(failure).toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS', message: expect.stringContaining('synchronous') })
})

test.each([0, -1, Number.NaN, '5'])('withinMs: %s is refused', async (withinMs) => {
  const wait = () => assertEventPublished(OrderCreated, undefined, { withinMs: withinMs as number })

  const rejection = await withTestBus(() => rejectionOf(wait()))

  expect(rejection.code).toBe('POSTBUS_INVALID_OPTIONS')
})

test('an assertion that waits but is not awaited fails the test, with its line', async () => {
  const rejection = await rejectionOf(
    withTestBus(() => void assertEventPublished(OrderCreated, undefined, { withinMs: 60_000 }), { name: 'forgetful' }),
  )

  expect(rejection).toMatchObject({ code: 'POSTBUS_NOT_AWAITED', message: expect.stringContaining('misuse.test.ts:') })
})

test('an assertion sees the events of all buses of its test', async () => {
  const [one, other] = [aBus(), aBus()]

  await withTestBus(async () => {
    const order = anOrder()
    await one.publish(order)
    const { events } = await other.publish([order, CartCleared({ cartId: 'c1' })])

    expect(events.map(({ duplicate }) => duplicate)).toEqual([false, false]) // two buses stand for two databases
    expect(publishedEvents()).toHaveLength(3)
  })
})

test('withTestBus returns the result of the test, and fails with the error of the test', async () => {
  const error = new Error('its own')

  const answered = await withTestBus(() => 7)
  const rejection = await rejectionOf(
    withTestBus(
      async () => {
        await aBus().publish(anOrder())
        throw error
      },
      { mode: 'strict' },
    ),
  )

  expect(answered).toBe(7)
  expect(rejection).toBe(error)
})

test('withTestBus fails if events of strict mode were not asserted', async () => {
  const work = withTestBus(() => aBus().publish(anOrder()), { mode: 'strict' })

  const rejection = await rejectionOf(work)

  expect(rejection.name).toBe('AssertionError')
  expect(rejection.message).toContain('Unasserted events published in strict mode')
  expect(rejection.stack).toMatch(/\n {4}at .*misuse\.test\.ts/)
})

test('after the last test a bus is on its own again', async () => {
  const bus = aBus({ backend: 'mailbox' })
  await withTestBus(() => bus.publish(anOrder({ orderId: 'inside' })))

  await bus.publish(anOrder({ orderId: 'outside' }))

  expect(mailboxOf(bus).map(({ partitionKey }) => partitionKey)).toEqual(['outside'])
  expect(failureOf(() => mailboxOf(aBus())).code).toBe('POSTBUS_INVALID_OPTIONS')
})
