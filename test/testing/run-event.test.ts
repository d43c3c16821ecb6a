/** `runEvent`: one handler, one event, and the outcome. */
import '../../src/testing/vitest.ts'
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineHandler,
  discard,
  failed,
  shadow,
  snooze,
  type Envelope,
  type HandlerContext,
} from '../../src/index.ts'
import { assertEventPublished, runEvent, runEventOrThrow, setEventBusMode } from '../../src/testing/index.ts'
import { failureOf, rejectionOf } from './failure-of.ts'
import { CartCleared, OrderCreated, anOrder } from './shop.ts'

type Order = Envelope<string, number, { orderId: string; total: number }>

test('a handler that returns nothing has processed the event', async () => {
  const ran = await runEvent(
    handler(() => undefined),
    anOrder(),
  )

  expect(ran).toEqual({ state: 'processed', result: undefined })
})

test('the return value of a handler is the result', async () => {
  const invoice = defineHandler('finances.invoice', {
    on: OrderCreated,
    handle: async ({ data }) => ({ due: data.total }),
  })

  const ran = await runEvent(invoice, anOrder())

  expect(ran).toEqual({ state: 'processed', result: { due: 42 } })
})

test('a handler that is not interested is not called', async () => {
  const shy = defineHandler('test.shy', {
    on: OrderCreated,
    interested: ({ data }) => data.total > 42,
    handle: () => expect.unreachable(),
  })

  expect(await runEvent(shy, anOrder())).toEqual({ state: 'not_interested' })
  expect(await runEventOrThrow(shy, anOrder())).toEqual({ state: 'not_interested' })
})

test('a handler of a shadow is asked about the whole event, and fetches its data', async () => {
  const index = defineHandler('search.index', {
    on: shadow(OrderCreated),
    interested: ({ data }) => data.total > 0,
    handle: async (event) => ['data' in event, (await event.fetch()).data.total],
  })

  expect(await runEvent(index, anOrder())).toEqual({ state: 'processed', result: [false, 42] })
  expect(await runEvent(index, anOrder({ total: 0 }))).toEqual({ state: 'not_interested' })
})

test('a handler that fails, with a text or by throwing, gives its reason and the cause', async () => {
  const error = new TypeError('no card')

  const inWords = await runEvent(
    handler(() => failed('card declined', { cause: 402 })),
    anOrder(),
  )
  const thrown = await runEvent(
    handler(() => Promise.reject(error)),
    anOrder(),
  )

  expect(inWords).toEqual({ state: 'failed', reason: 'card declined' })
  expect(thrown).toEqual({ state: 'failed', reason: 'no card' })
  expect([inWords, thrown]).toEqual([
    expect.objectContaining({ cause: 402 }),
    expect.objectContaining({ cause: error }),
  ])
})

test('a handler can discard and snooze', async () => {
  const discarded = await runEvent(
    handler(() => discard('cancelled')),
    anOrder(),
  )
  const snoozed = await runEvent(
    handler(() => snooze({ minutes: 1, seconds: 0.5 })),
    anOrder(),
  )

  expect(discarded).toEqual({ state: 'discarded', reason: 'cancelled' })
  expect(snoozed).toEqual({ state: 'snoozed', delayMs: 60_500 })
})

test.each([
  ['fails', () => failed('card declined', { cause: 402 }), 'Handler "test.it" failed: card declined', 402],
  ['discards', () => discard('cancelled'), 'Handler "test.it" discarded the event: cancelled', undefined],
  ['snoozes', () => snooze({ seconds: 30 }), 'Handler "test.it" snoozed for 30 s', undefined],
])('runEventOrThrow throws an error that names the handler when it %s', async (_, handle, message, cause) => {
  const rejection = await rejectionOf(runEventOrThrow(handler(handle), anOrder()))

  expect(rejection).toMatchObject({ code: 'POSTBUS_ATTEMPT_FAILED', message })
  expect(rejection.cause).toBe(cause)
})

test('runEventOrThrow returns the result of a handler that succeeds', async () => {
  expect(
    await runEventOrThrow(
      handler(() => 7),
      anOrder(),
    ),
  ).toEqual({ state: 'processed', result: 7 })
})

test('the handler gets a decoded copy, and the context of a worker', async () => {
  const seen: { event?: Order; context?: HandlerContext } = {}
  const order = anOrder({ placedAt: new Date(0) })
  const look = defineHandler('test.look', {
    on: OrderCreated,
    maxAttempts: 3,
    handle: (event, context) => Object.assign(seen, { event, context }),
  })

  await runEvent(look, order, { attempt: 3 })

  expect(seen.event?.data).toEqual(order.data)
  expect(seen.event?.data).not.toBe(order.data)
  expect(seen.event).toMatchObject({ id: order.id, correlationId: order.id })
  expect(seen.context).toMatchObject({ attempt: 3, maxAttempts: 3, signal: expect.any(AbortSignal) })
  expect(seen.context?.deliveryId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
})

test('the given transaction is the context’s', async () => {
  const tx = { executeSql: async () => ({ rows: [] }) }

  const ran = await runEvent(
    handler((_, context) => context.tx === tx),
    anOrder(),
    { tx },
  )

  expect(ran).toEqual({ state: 'processed', result: true })
})

test('a handler that takes too long fails', async () => {
  const slow = defineHandler('test.slow', {
    on: OrderCreated,
    timeoutMs: 5,
    handle: (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
  })

  expect(await runEvent(slow, anOrder())).toEqual({
    state: 'failed',
    reason: 'Handler "test.slow" took longer than 5 ms.',
  })
})

test('an event that the handler publishes follows the mode, and names the event as its cause', async () => {
  const order = anOrder()
  const clear = handler((_, { publish }) => publish(CartCleared({ cartId: 'c1' })))

  await runEventOrThrow(clear, order)

  expect(assertEventPublished(CartCleared)).toMatchObject({ causationId: order.id, correlationId: order.id })
})

test('the recorded place of an event that the handler publishes is the handler’s own line', async () => {
  setEventBusMode('strict')
  await runEvent(handler(clearCart), anOrder())

  const { message } = failureOf(() => setEventBusMode('mailbox'))

  expect(message).toMatch(/Published at: clearCart \(test\/testing\/run-event\.test\.ts:\d+:\d+\)/)
})

test('in inline mode an event that the handler publishes needs a `bus`, whose handlers then run', async () => {
  setEventBusMode('inline')
  const cleared: string[] = []
  const bus = createBus({
    handlers: [defineHandler('carts.note', { on: CartCleared, handle: ({ data }) => void cleared.push(data.cartId) })],
  })
  const clear = handler((_, { publish }) => publish(CartCleared({ cartId: 'c1' })))

  await runEventOrThrow(clear, anOrder(), { bus })

  expect(cleared).toEqual(['c1'])
  await expect(runEventOrThrow(clear, anOrder())).rejects.toThrow('runEvent(handler, event, { bus })')
})

test('data that only a codec of the bus can write need the bus', async () => {
  class Money {
    readonly cents: number
    constructor(cents: number) {
      this.cents = cents
    }
  }
  const Paid = defineEvent('finances.paid', { schema: z.object({ price: z.instanceof(Money) }) })
  const codec = {
    name: 'money',
    is: (value: unknown): value is Money => value instanceof Money,
    encode: ({ cents }: Money) => cents,
    decode: (cents: unknown) => new Money(Number(cents)),
  }
  const price = defineHandler('test.price', { on: Paid, handle: ({ data }) => data.price.cents })
  const paid = Paid({ price: new Money(5) })

  const ran = await runEvent(price, paid, { bus: createBus({ codecs: [codec] }) })

  expect(ran).toEqual({ state: 'processed', result: 5 })
  await expect(runEvent(price, paid)).rejects.toThrow('runEvent(handler, event, { bus })')
})

test.each([
  ['an attempt beyond the last one', () => runEvent(handler(), anOrder(), { attempt: 6 }), 'attempted 1 to 5 times'],
  [
    'an event that the handler does not listen to',
    () => runEvent(handler(), CartCleared({ cartId: 'c1' }) as never),
    'does not listen to carts.cart-cleared',
  ],
  [
    'what is no event',
    () => runEvent(handler(), { type: 'orders.order-created' } as never),
    'made by calling its event type',
  ],
  ['what is no bus', () => runEvent(handler(), anOrder(), { bus: {} as never }), 'createBus()'],
])('%s is refused', async (_, run, message) => {
  await expect(run()).rejects.toThrow(message)
})

async function clearCart(_: Order, { publish }: HandlerContext): Promise<void> {
  await publish(CartCleared({ cartId: 'c1' }))
}

function handler(handle: (event: Order, context: HandlerContext) => unknown = () => undefined) {
  return defineHandler('test.it', { on: OrderCreated, handle })
}
