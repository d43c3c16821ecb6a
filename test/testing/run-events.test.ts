/** `runEvents`: one batch handler, several events, and the outcome of each. */
import '../../src/testing/vitest.ts'
import { expect, test } from 'vitest'
import {
  defineBatchHandler,
  discard,
  failed,
  shadow,
  skip,
  snooze,
  type BatchHandlerDefinition,
} from '../../src/index.ts'
import { assertEventPublished, runEvent, runEvents, setEventBusMode } from '../../src/testing/index.ts'
import { rejectionOf } from './failure-of.ts'
import { anOrder, CartCleared, OrderCreated } from './shop.ts'

type Handle = BatchHandlerDefinition<typeof OrderCreated, unknown>['handle']

test('a batch handler is called once with decoded copies of the events, and each event gets its return value as the result', async () => {
  const orders = [anOrder({ orderId: 'o1' }), anOrder({ orderId: 'o2' })]
  const store = storing((events) => events.map(({ data }) => data.orderId))

  expect(await runEvents(store, orders)).toEqual([
    { state: 'processed', result: ['o1', 'o2'] },
    { state: 'processed', result: ['o1', 'o2'] },
  ])
})

test('events that do not interest the handler are not in the batch, and an empty batch is not run', async () => {
  const store = defineBatchHandler('orders.store', {
    on: OrderCreated,
    interested: ({ data }) => data.total > 10,
    handle: (events) => events.length,
  })

  expect(await runEvents(store, [anOrder({ orderId: 'a' }), anOrder({ orderId: 'b', total: 1 })])).toEqual([
    { state: 'processed', result: 1 },
    { state: 'not_interested' },
  ])
  expect(await runEvents(store, [anOrder({ total: 1 })])).toEqual([{ state: 'not_interested' }])
  expect(await runEvents(store, [])).toEqual([])
})

test('each event can have its own outcome, and after a failure later events of its key are not run', async () => {
  const store = storing((events, { outcomes }) => {
    outcomes.set(events[0]!, skip('nothing to do'))
    outcomes.set(events[1]!, failed('no answer'))
    outcomes.set(events[3]!, discard('never'))
    outcomes.set(events[4]!, snooze({ seconds: 1 }))
  })
  const orders = ['o1', 'o2', 'o2', 'o3', 'o4', 'o4', 'o5'].map((orderId) => anOrder({ orderId }))

  expect(await runEvents(store, orders)).toEqual([
    { state: 'skipped', reason: 'nothing to do' },
    { state: 'failed', reason: 'no answer' },
    { state: 'not_run' },
    { state: 'discarded', reason: 'never' },
    { state: 'snoozed', delayMs: 1_000 },
    { state: 'not_run' },
    { state: 'processed', result: undefined },
  ])
})

test('an error that the handler throws fails all events', async () => {
  const store = storing(() => {
    throw new Error('the target is down')
  })

  const ran = await runEvents(store, [anOrder({ orderId: 'o1' }), anOrder({ orderId: 'o2' })])

  const bothFailed = [1, 2].map(() => ({ state: 'failed', reason: 'the target is down' }))
  expect(ran).toEqual(bothFailed)
})

test('an event that the handler publishes has the named cause, or none', async () => {
  setEventBusMode('strict')
  const [first, second] = [anOrder({ orderId: 'o1' }), anOrder({ orderId: 'o2' })]
  const store = storing(async (events, { publish }) => {
    await publish(CartCleared({ cartId: 'caused' }), { causedBy: events[1]! })
    await publish(CartCleared({ cartId: 'free' }))
  })

  await runEvents(store, [first, second])

  const caused = assertEventPublished(CartCleared, { cartId: 'caused' })
  expect(caused).toMatchObject({
    causationId: second.id,
    correlationId: second.correlationId ?? second.id,
    causedByHandler: 'orders.store',
  })
  const free = assertEventPublished(CartCleared, { cartId: 'free' })
  expect(free).toMatchObject({ causationId: null, correlationId: free.id, causedByHandler: 'orders.store' })
})

test('the handler can look up the delivery and attempt of each event, and a shadow fetches its data', async () => {
  const index = defineBatchHandler('orders.index', {
    on: shadow(OrderCreated),
    handle: async ([event], { deliveryOf, maxAttempts }) => [
      deliveryOf(event!),
      maxAttempts,
      (await event!.fetch()).data.total,
    ],
  })

  expect(await runEvents(index, [anOrder()], { attempt: 3 })).toEqual([
    {
      state: 'processed',
      result: [{ deliveryId: expect.any(String), attempt: 3, isReplay: false, replayId: null }, 5, 42],
    },
  ])
})

test.each<[string, Handle, RegExp]>([
  ['an outcome for a stranger', (_, { outcomes }) => outcomes.set(anOrder(), failed('x')), /an event of this batch/],
  ['no outcome', ([event], { outcomes }) => outcomes.set(event!, true as never), /expected failed\(…\).*got true/],
  [
    'a stranger as the cause',
    (_, { publish }) => publish(CartCleared({ cartId: 'c' }), { causedBy: anOrder() }),
    /causedBy/,
  ],
  ['the delivery of a stranger', (_, { deliveryOf }) => deliveryOf('x' as never), /deliveryOf.*but got 'x'/],
])('%s is refused inside the handler', async (_, handle, message) => {
  const [ran] = await runEvents(storing(handle), [anOrder()])

  expect(ran).toMatchObject({ state: 'failed', reason: expect.stringMatching(message) })
})

test('an outcome that is set after the handler has returned is refused', async () => {
  let later: () => void = () => undefined
  const store = storing(([event], { outcomes }) => {
    later = () => outcomes.set(event!, failed('too late'))
  })
  await runEvents(store, [anOrder()])

  expect(later).toThrow(expect.objectContaining({ code: 'POSTBUS_CLOSED' }))
})

test('a batch that no worker would form is refused', async () => {
  const order = anOrder()
  const store = storing(() => undefined)
  const refused = { code: 'POSTBUS_INVALID_OPTIONS' }

  expect(await rejectionOf(runEvents(store, [order, order]))).toMatchObject(refused)
  expect(
    await rejectionOf(
      runEvents(
        store,
        Array.from({ length: 11 }, () => anOrder()),
      ),
    ),
  ).toMatchObject(refused)
  expect(await rejectionOf(runEvent(store as never, order as never))).toMatchObject(refused)
})

function storing(handle: Handle) {
  return defineBatchHandler('orders.store', { on: OrderCreated, batchSize: 10, handle })
}
