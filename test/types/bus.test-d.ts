/** What the compiler accepts around a bus: handlers in every form, events to publish, and transactions. */
import type { Kysely, Transaction as KyselyTransaction } from 'kysely'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineHandler,
  durationMs,
  failed,
  PostbusError,
  printSignals,
  shadow,
  type AnyEventType,
  type BatchContext,
  type Bus,
  type ExplainedHandler,
  type Failed,
  type ListeningHandler,
  type WorkerCounts,
  type Envelope,
  type Handlers,
  type PostbusErrorCode,
  type PublishedEvent,
  type PublishOptions,
  type PublishResult,
  type MissedBroadcasts,
  type Publishing,
  type StopListening,
  type HandlerContext,
  type ShadowEvent,
  type BusSignal,
  type StopReport,
  type Percentiles,
  type PublishTransaction,
  type RateReport,
  type Worker,
} from '../../src/index.ts'
import * as module from './handlers-module.ts'

const OrderCreated = defineEvent('orders.order-created', { schema: z.object({ orderId: z.string() }) })
const OrderShipped = defineEvent('orders.order-shipped', { schema: z.number() })
const event = OrderCreated({ orderId: 'o1' })
const receipt = defineHandler('mail.receipt', {
  on: OrderCreated,
  interested: (of) => of.data.orderId !== '',
  handle() {},
})
const parcel = defineHandler('mail.parcel', { on: OrderShipped, handle: async (of) => of.data })
const audit = defineHandler('audit.log', { on: '*', handle: () => 1 })
declare const trx: KyselyTransaction<{ orders: { id: string } }>
declare const anything: Envelope
declare const db: Kysely<{ orders: { id: string } }>

// Handlers: an array of different handlers, a module, an object, and functions that return them at once or later.
createBus({ handlers: [receipt, parcel, audit] })
createBus({ handlers: module })
createBus({ handlers: { receipt, all: [parcel, audit] } })
createBus({ handlers: () => import('./handlers-module.ts') })
createBus({ handlers: () => [receipt] })
createBus({ handlers: async () => [receipt, parcel] as const })
expectTypeOf<(typeof receipt | typeof parcel)[]>().toExtend<Handlers>()

// A bus, and the types of its worker and signals.
const bus = createBus({ connectionString: async () => 'postgres://localhost/shop', onSignal: printSignals('warn') })
expectTypeOf(bus).toEqualTypeOf<Bus>()
expectTypeOf(bus.worker({ queues: { events: 50 }, pollMs: 100 })).toEqualTypeOf<Worker>()
expectTypeOf<Worker['stop']>().returns.resolves.toEqualTypeOf<StopReport>()
expectTypeOf<Worker['drain']>().returns.resolves.toEqualTypeOf<WorkerCounts>()
createBus({ onSignal: (signal) => expectTypeOf(signal).toEqualTypeOf<BusSignal>() })

// Events to publish: one event, a list of different events, a readonly list, an empty list; with and without a transaction.
expectTypeOf(bus.publish(event)).resolves.toEqualTypeOf<PublishResult>()
expectTypeOf<PublishResult['events']>().toEqualTypeOf<readonly PublishedEvent[]>()
void bus.publish([event, OrderShipped(1)])
void bus.publish([event, OrderShipped(1)] as const)
void bus.publish([])
void bus.publish(anything, {})
void bus.publish(event, { tx: trx })
void bus.publish(event, { tx: { executeSql: async () => ({ rows: [] }) } })
expectTypeOf<NonNullable<PublishOptions['tx']>>().toEqualTypeOf<PublishTransaction | 'own'>()
void createBus({ connectionString: '', requireTransaction: true, currentTransaction: () => trx })
void createBus({ connectionString: '', currentTransaction: (): typeof trx | null => null })
// @ts-expect-error -- a database is not a transaction
void createBus({ connectionString: '', currentTransaction: () => db })

// Hooks: the types of their parameters, the changes that they may make, and the result of `next`.
createBus({
  middleware: [
    {
      name: 'tenants',
      publish(publishing, next) {
        expectTypeOf(publishing).toEqualTypeOf<Publishing>()
        expectTypeOf(next({ metadata: { tenant: 'a' } })).resolves.toEqualTypeOf<PublishResult>()
        // @ts-expect-error -- only the publisher sets an event's type
        void next({ type: 'orders.order-shipped' })
        // @ts-expect-error -- metadata are JSON
        void next({ metadata: { at: new Date() } })
        return next({ metadata: ({ id }) => ({ id }), tx: trx })
      },
      async handle({ event: handled, handler, context }, next) {
        expectTypeOf(handled).toEqualTypeOf<Envelope | ShadowEvent>()
        expectTypeOf(handler).toBeString()
        expectTypeOf(context).toEqualTypeOf<HandlerContext>()
        // @ts-expect-error -- a hook cannot replace the event of a handler
        await next(event)
        await next()
      },
      async handleBatch({ events, handler, context }, next) {
        expectTypeOf(events).toEqualTypeOf<readonly (Envelope | ShadowEvent)[]>()
        expectTypeOf(handler).toBeString()
        expectTypeOf(context).toEqualTypeOf<BatchContext<Envelope | ShadowEvent>>()
        await next()
      },
    },
  ],
})
// @ts-expect-error -- the bus calls no hook of this name
createBus({ middleware: [{ onPublish: () => undefined }] })

// A listener gets the types of the events that it listens to, as a handler does. `listen` returns a function that stops it.
expectTypeOf(bus.broadcast([event, OrderShipped(1)], { tx: trx })).resolves.toEqualTypeOf<void>()
expectTypeOf(
  bus.listen(OrderCreated, ({ data }) => expectTypeOf(data).toEqualTypeOf<{ orderId: string }>(), {
    onMissed: (missed) => expectTypeOf(missed).toEqualTypeOf<MissedBroadcasts>(),
  }),
).resolves.toEqualTypeOf<StopListening>()
void bus.listen([OrderShipped, 'orders.*'], (of) => OrderShipped.is(of) && expectTypeOf(of.data).toBeNumber())
// @ts-expect-error -- a broadcast event is not stored, so its data cannot be fetched
void bus.listen(shadow(OrderCreated), () => undefined)
// @ts-expect-error -- an event can be broadcast, its type cannot
void bus.broadcast(OrderCreated)

// The result of a block is the data of the event, and `publishResult` returns it. It returns a failure too.
expectTypeOf(bus.publishResult(OrderCreated, {}, async () => ({ orderId: 'o1', more: 1 }))).resolves.toEqualTypeOf<{
  orderId: string
  more: number
}>()
expectTypeOf(bus.publishResult(OrderShipped, { tx: trx, ttlMs: 1 }, () => 7)).resolves.toBeNumber()
const attempt = (): { orderId: string } | Failed => (Math.random() > 1 ? failed('no') : { orderId: 'o1' })
expectTypeOf(bus.publishResult(OrderCreated, {}, attempt)).resolves.toEqualTypeOf<{ orderId: string } | Failed>()

// The error event takes `{ message }`, or `errorData` makes its data from the error.
const OrderFailed = defineEvent('orders.order-failed', { schema: z.object({ message: z.string() }) })
const OrderLost = defineEvent('orders.order-lost', { schema: z.object({ code: z.number() }) })
void bus.publishResult(OrderCreated, { errorEvent: OrderFailed }, () => ({ orderId: 'o1' }))
void bus.publishResult(OrderCreated, { errorEvent: OrderFailed, errorData: () => ({ message: 'lost' }) }, attempt)
void bus.publishResult(
  OrderCreated,
  {
    errorEvent: OrderLost,
    errorData: (error) => {
      expectTypeOf(error).toBeUnknown()
      return { code: 7 }
    },
  },
  attempt,
)
// @ts-expect-error -- the data of this error event have no message, so `errorData` is required
void bus.publishResult(OrderCreated, { errorEvent: OrderLost }, attempt)
// @ts-expect-error -- `errorData` must return data of the error event
void bus.publishResult(OrderCreated, { errorEvent: OrderLost, errorData: () => ({ code: '7' }) }, attempt)
// @ts-expect-error -- `errorData` needs an error event
void bus.publishResult(OrderCreated, { errorData: () => ({ message: 'lost' }) }, attempt)
// @ts-expect-error -- `publishResult` sets the time itself
void bus.publishResult(OrderCreated, { occurredAt: new Date() }, attempt)
// @ts-expect-error -- the result is not the event's data
void bus.publishResult(OrderCreated, {}, () => ({ orderId: 7 }))
expectTypeOf(durationMs(event)).toBeNumber()

// The types of a bus's handlers and event types.
expectTypeOf(bus.explain(event)).resolves.toEqualTypeOf<readonly ExplainedHandler[]>()
expectTypeOf(bus.handlersOf(OrderCreated)).resolves.toEqualTypeOf<readonly ListeningHandler[]>()
void bus.handlersOf('orders.order-created')
expectTypeOf(bus.handlers()).resolves.toEqualTypeOf<readonly ListeningHandler[]>()
expectTypeOf(bus.eventTypes()).resolves.toEqualTypeOf<readonly AnyEventType[]>()
expectTypeOf(bus.filtered()).toEqualTypeOf<Readonly<Record<string, number>>>()
createBus({ source: 'shop', ttlMs: 60_000, createId: () => crypto.randomUUID() })
// @ts-expect-error -- an event can be explained, its type cannot
void bus.explain(OrderCreated)
// @ts-expect-error -- `createId` must be synchronous
createBus({ createId: async () => crypto.randomUUID() })

// Errors have one of the known codes.
expectTypeOf(new PostbusError('POSTBUS_CLOSED', 'Closed.').code).toEqualTypeOf<PostbusErrorCode>()

// @ts-expect-error -- an event type is not an event
void bus.publish(OrderCreated)
// @ts-expect-error -- data are not an event: they have not been validated
void bus.publish({ orderId: 'o1' })
// @ts-expect-error -- an object that resembles an event is not an event
void bus.publish({ type: 'orders.order-created', data: { orderId: 'o1' } })
// @ts-expect-error -- a promise of an event is not an event
void bus.publish(Promise.resolve(event))
// @ts-expect-error -- one of the list is not an event
void bus.publish([event, OrderShipped])
// @ts-expect-error -- a database is not a transaction: the event could commit without the data
void bus.publish(event, { tx: db })
// @ts-expect-error -- the name of a transaction is not a transaction
void bus.publish(event, { tx: 'trx' })
// @ts-expect-error -- a transaction is passed as { tx: trx }
void bus.publish(event, trx)
// @ts-expect-error -- this option does not exist: its name is tx
void bus.publish(event, { trx })

// @ts-expect-error -- this option does not exist: its name is connectionString
createBus({ connection: 'postgres://localhost/shop' })
// @ts-expect-error -- the path of a file is not a list of handlers
createBus({ handlers: './handlers-module.ts' })
// @ts-expect-error -- names are not handlers
createBus({ handlers: ['mail.receipt'] })
// @ts-expect-error -- the function must return handlers, not the name of a handler
createBus({ handlers: () => 'mail.receipt' })
// @ts-expect-error -- a codec needs functions that encode and decode
createBus({ codecs: [{ name: 'money' }] })
// @ts-expect-error -- concurrency is set for each queue
bus.worker({ concurrency: 20 })
// @ts-expect-error -- only the listed codes exist
'POSTBUS_NO_IDEA' satisfies PostbusErrorCode

// `await using` closes a bus and stops a worker.
export async function disposes(): Promise<void> {
  await using opened = createBus({ backend: 'mailbox' })
  await using worker = opened.worker()
  expectTypeOf(worker[Symbol.asyncDispose]).returns.resolves.toBeVoid()
}

// Rates: percentiles are null if nothing ran, and the compiler finds misspelled options.
expectTypeOf(createBus({ connectionString: '' }).rates({ handler: 'mail.receipt', stepMs: 60_000 })).toEqualTypeOf<
  Promise<RateReport>
>()
expectTypeOf<RateReport['handlers'][number]['runMs']>().toEqualTypeOf<Percentiles | null>()
// @ts-expect-error -- the option's name is handler
void createBus({ connectionString: '' }).rates({ handlers: 'mail.receipt' })
// @ts-expect-error -- an option may be omitted, but not be undefined
void createBus({ connectionString: '' }).rates({ since: undefined })
