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

// Handlers: an array of different ones, a module, an object, and functions that get them sooner or later.
createBus({ handlers: [receipt, parcel, audit] })
createBus({ handlers: module })
createBus({ handlers: { receipt, all: [parcel, audit] } })
createBus({ handlers: () => import('./handlers-module.ts') })
createBus({ handlers: () => [receipt] })
createBus({ handlers: async () => [receipt, parcel] as const })
expectTypeOf<(typeof receipt | typeof parcel)[]>().toExtend<Handlers>()

// A bus, and what it makes.
const bus = createBus({ connectionString: async () => 'postgres://localhost/shop', onSignal: printSignals('warn') })
expectTypeOf(bus).toEqualTypeOf<Bus>()
expectTypeOf(bus.worker({ queues: { events: 50 }, pollMs: 100 })).toEqualTypeOf<Worker>()
expectTypeOf<Worker['stop']>().returns.resolves.toEqualTypeOf<StopReport>()
expectTypeOf<Worker['drain']>().returns.resolves.toEqualTypeOf<WorkerCounts>()
createBus({ onSignal: (signal) => expectTypeOf(signal).toEqualTypeOf<BusSignal>() })

// Events to publish: one, a list of different ones, a list that cannot be changed, none; with a transaction or without.
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
// @ts-expect-error -- a database is no transaction
void createBus({ connectionString: '', currentTransaction: () => db })

// Hooks: what they are given, what they may change, and that next gives back what is inside.
createBus({
  middleware: [
    {
      name: 'tenants',
      publish(publishing, next) {
        expectTypeOf(publishing).toEqualTypeOf<Publishing>()
        expectTypeOf(next({ metadata: { tenant: 'a' } })).resolves.toEqualTypeOf<PublishResult>()
        // @ts-expect-error -- an event's type is its publisher's
        void next({ type: 'orders.order-shipped' })
        // @ts-expect-error -- metadata are JSON
        void next({ metadata: { at: new Date() } })
        return next({ metadata: ({ id }) => ({ id }), tx: trx })
      },
      async handle({ event: handled, handler, context }, next) {
        expectTypeOf(handled).toEqualTypeOf<Envelope | ShadowEvent>()
        expectTypeOf(handler).toBeString()
        expectTypeOf(context).toEqualTypeOf<HandlerContext>()
        // @ts-expect-error -- a handler gets what was published
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
// @ts-expect-error -- a hook that no one calls
createBus({ middleware: [{ onPublish: () => undefined }] })

// A listener gets the events that it listens to, as a handler does; and says when it stops.
expectTypeOf(bus.broadcast([event, OrderShipped(1)], { tx: trx })).resolves.toEqualTypeOf<void>()
expectTypeOf(
  bus.listen(OrderCreated, ({ data }) => expectTypeOf(data).toEqualTypeOf<{ orderId: string }>(), {
    onMissed: (missed) => expectTypeOf(missed).toEqualTypeOf<MissedBroadcasts>(),
  }),
).resolves.toEqualTypeOf<StopListening>()
void bus.listen([OrderShipped, 'orders.*'], (of) => OrderShipped.is(of) && expectTypeOf(of.data).toBeNumber())
// @ts-expect-error -- what is broadcast is not stored, so that there is nothing to fetch
void bus.listen(shadow(OrderCreated), () => undefined)
// @ts-expect-error -- an event is broadcast, not its type
void bus.broadcast(OrderCreated)

// The result of a block is the data of an event, and is returned; so is a failure.
expectTypeOf(bus.publishResult(OrderCreated, {}, async () => ({ orderId: 'o1', more: 1 }))).resolves.toEqualTypeOf<{
  orderId: string
  more: number
}>()
expectTypeOf(bus.publishResult(OrderShipped, { tx: trx, ttlMs: 1 }, () => 7)).resolves.toBeNumber()
const attempt = (): { orderId: string } | Failed => (Math.random() > 1 ? failed('no') : { orderId: 'o1' })
expectTypeOf(bus.publishResult(OrderCreated, {}, attempt)).resolves.toEqualTypeOf<{ orderId: string } | Failed>()

// The error event takes `{ message }`, or is told how to make its data from the error.
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
// @ts-expect-error -- this error event has no message: how its data are made has to be said
void bus.publishResult(OrderCreated, { errorEvent: OrderLost }, attempt)
// @ts-expect-error -- and made they must be of its kind
void bus.publishResult(OrderCreated, { errorEvent: OrderLost, errorData: () => ({ code: '7' }) }, attempt)
// @ts-expect-error -- without an error event there are no data for one
void bus.publishResult(OrderCreated, { errorData: () => ({ message: 'lost' }) }, attempt)
// @ts-expect-error -- when it happened is for the block to say
void bus.publishResult(OrderCreated, { occurredAt: new Date() }, attempt)
// @ts-expect-error -- the result is not the event's data
void bus.publishResult(OrderCreated, {}, () => ({ orderId: 7 }))
expectTypeOf(durationMs(event)).toBeNumber()

// What a bus says about its handlers and event types.
expectTypeOf(bus.explain(event)).resolves.toEqualTypeOf<readonly ExplainedHandler[]>()
expectTypeOf(bus.handlersOf(OrderCreated)).resolves.toEqualTypeOf<readonly ListeningHandler[]>()
void bus.handlersOf('orders.order-created')
expectTypeOf(bus.handlers()).resolves.toEqualTypeOf<readonly ListeningHandler[]>()
expectTypeOf(bus.eventTypes()).resolves.toEqualTypeOf<readonly AnyEventType[]>()
expectTypeOf(bus.filtered()).toEqualTypeOf<Readonly<Record<string, number>>>()
createBus({ source: 'shop', ttlMs: 60_000, createId: () => crypto.randomUUID() })
// @ts-expect-error -- an event is explained, not its type
void bus.explain(OrderCreated)
// @ts-expect-error -- an id is known at once
createBus({ createId: async () => crypto.randomUUID() })

// Errors have one of the known codes.
expectTypeOf(new PostbusError('POSTBUS_CLOSED', 'Closed.').code).toEqualTypeOf<PostbusErrorCode>()

// @ts-expect-error -- an event type is not an event
void bus.publish(OrderCreated)
// @ts-expect-error -- data alone have not been validated
void bus.publish({ orderId: 'o1' })
// @ts-expect-error -- nor has an object that only looks a little like an event
void bus.publish({ type: 'orders.order-created', data: { orderId: 'o1' } })
// @ts-expect-error -- a promise of an event is not an event
void bus.publish(Promise.resolve(event))
// @ts-expect-error -- one of the list is not an event
void bus.publish([event, OrderShipped])
// @ts-expect-error -- a database is not a transaction: the event could commit without the data
void bus.publish(event, { tx: db })
// @ts-expect-error -- nor is its name
void bus.publish(event, { tx: 'trx' })
// @ts-expect-error -- a transaction is named: { tx: trx }
void bus.publish(event, trx)
// @ts-expect-error -- an option that does not exist: it is called tx
void bus.publish(event, { trx })

// @ts-expect-error -- an option that does not exist: it is called connectionString
createBus({ connection: 'postgres://localhost/shop' })
// @ts-expect-error -- handlers are not found by their file's name
createBus({ handlers: './handlers-module.ts' })
// @ts-expect-error -- nor by their names
createBus({ handlers: ['mail.receipt'] })
// @ts-expect-error -- the function answers with handlers, not with one handler's name
createBus({ handlers: () => 'mail.receipt' })
// @ts-expect-error -- a codec reads and writes
createBus({ codecs: [{ name: 'money' }] })
// @ts-expect-error -- how many handlers run at once is said for each queue
bus.worker({ concurrency: 20 })
// @ts-expect-error -- codes are a closed list
'POSTBUS_NO_IDEA' satisfies PostbusErrorCode

// `await using` closes a bus and stops a worker.
export async function disposes(): Promise<void> {
  await using opened = createBus({ backend: 'mailbox' })
  await using worker = opened.worker()
  expectTypeOf(worker[Symbol.asyncDispose]).returns.resolves.toBeVoid()
}

// Rates: a time may be missing where nothing ran, and what is misspelled is found.
expectTypeOf(createBus({ connectionString: '' }).rates({ handler: 'mail.receipt', stepMs: 60_000 })).toEqualTypeOf<
  Promise<RateReport>
>()
expectTypeOf<RateReport['handlers'][number]['runMs']>().toEqualTypeOf<Percentiles | null>()
// @ts-expect-error -- it is called handler
void createBus({ connectionString: '' }).rates({ handlers: 'mail.receipt' })
// @ts-expect-error -- to leave it out is one thing, and undefined another
void createBus({ connectionString: '' }).rates({ since: undefined })
