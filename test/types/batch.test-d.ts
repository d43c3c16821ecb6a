/** The types of a batch handler: its events, its context, and the outcome of each event. */
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineBatchHandler,
  defineEvent,
  defineHandler,
  discard,
  shadow,
  type AnyHandler,
  type BatchContext,
  type BatchHandler,
  type EventOf,
  type PublishTransaction,
  type ShadowEvent,
  type TransactionalBatchContext,
} from '../../src/index.ts'
import { runEvent, runEvents, type RunEventsResult } from '../../src/testing/index.ts'

const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string(), total: z.string().transform(Number) }),
})
const OrderShipped = defineEvent('orders.order-shipped', { schema: z.object({ parcels: z.number() }) })
type OrderCreated = EventOf<typeof OrderCreated>
type OrderShipped = EventOf<typeof OrderShipped>
declare const order: OrderCreated
declare const shipped: OrderShipped

// `handle` gets a list of events of `on`, `interested` gets one event.
const store = defineBatchHandler('audit.store', {
  on: OrderCreated,
  batchSize: 50,
  maxWaitMs: 20,
  interested: (event) => {
    expectTypeOf(event).toEqualTypeOf<OrderCreated>()
    return true
  },
  async handle(events, context) {
    expectTypeOf(events).toEqualTypeOf<readonly OrderCreated[]>()
    expectTypeOf(context).toEqualTypeOf<BatchContext<OrderCreated>>()
    context.outcomes.set(order, discard('never'))
    // @ts-expect-error -- an event of another type is not in this batch
    context.outcomes.set(shipped, discard('never'))
    // @ts-expect-error -- not an outcome
    context.outcomes.set(order, 'done')
    await context.publish(shipped, { causedBy: order })
    // @ts-expect-error -- a batch has no attempt of its own
    void context.attempt
    return events.length
  },
})
expectTypeOf(store).toEqualTypeOf<BatchHandler<'audit.store', typeof OrderCreated, Promise<number>>>()
expectTypeOf(store).toExtend<AnyHandler>()
createBus({ connectionString: '', handlers: [store] })

// Only with the literal `true` does the type promise a transaction.
defineBatchHandler('audit.transactional', {
  on: OrderCreated,
  delivery: 'log',
  transactional: true,
  handle: (events, context) => {
    expectTypeOf(events).toEqualTypeOf<readonly OrderCreated[]>()
    expectTypeOf(context).toEqualTypeOf<TransactionalBatchContext<OrderCreated>>()
    expectTypeOf(context.tx).toEqualTypeOf<PublishTransaction>()
  },
})
defineBatchHandler('audit.maybe', {
  on: OrderCreated,
  transactional: Boolean(order),
  handle: (_, { tx }) => expectTypeOf(tx).toEqualTypeOf<PublishTransaction | undefined>(),
})

// Several types make a union, and a handler of shadows gets shadows.
defineBatchHandler('audit.all', {
  on: [OrderCreated, OrderShipped],
  handle: (events) => expectTypeOf(events).toEqualTypeOf<readonly (OrderCreated | OrderShipped)[]>(),
})
defineBatchHandler('audit.shadows', {
  on: shadow(OrderShipped),
  handle: ([first]) =>
    expectTypeOf(first!).toEqualTypeOf<ShadowEvent<'orders.order-shipped', 1, { parcels: number }>>(),
})

// The testing kit distinguishes the two kinds of handlers.
const single = defineHandler('mail.receipt', { on: OrderCreated, handle: () => 1 })
expectTypeOf(runEvents(store, [order])).resolves.toEqualTypeOf<readonly RunEventsResult<Promise<number>>[]>()
// @ts-expect-error -- it takes one event at a time
void runEvents(single, [order])
// @ts-expect-error -- it takes batches
void runEvent(store, order)
// @ts-expect-error -- an event that it does not listen to
void runEvents(store, [shipped])

// @ts-expect-error -- an option for batch handlers only
defineHandler('mail.receipt', { on: OrderCreated, batchSize: 5, handle: () => 1 })
