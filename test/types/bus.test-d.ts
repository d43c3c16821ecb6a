/** What the compiler accepts around a bus: handlers in every form, events to publish, and transactions. */
import type { Kysely, Transaction as KyselyTransaction } from 'kysely'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineHandler,
  PostbusError,
  printSignals,
  type Bus,
  type WorkerCounts,
  type Envelope,
  type Handlers,
  type PostbusErrorCode,
  type PublishedEvent,
  type PublishOptions,
  type PublishResult,
  type BusSignal,
  type StopReport,
  type PublishTransaction,
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
expectTypeOf<NonNullable<PublishOptions['tx']>>().toEqualTypeOf<PublishTransaction>()

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
