/** The types in a test: the event that an assertion returns, the values that it can match, and the result of a handler. */
import { expect, expectTypeOf } from 'vitest'
import { createServer } from 'node:http'
import { z } from 'zod'
import {
  createBus,
  defineEvent,
  defineHandler,
  discard,
  failed,
  snooze,
  type Envelope,
  type EventOf,
} from '../../src/index.ts'
import {
  allowEventBus,
  assertEventPublished,
  getEventBusMode,
  publishedEvents,
  refuteEventPublished,
  runEvent,
  runEventOrThrow,
  setEventBusMode,
  withTestBus,
  type EventBusMode,
  type TestBus,
} from '../../src/testing/index.ts'

const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({
    orderId: z.string(),
    total: z.string().transform(Number),
    placedAt: z.date(),
    note: z.string().optional(),
    customer: z.object({ name: z.string(), tags: z.array(z.string()) }),
  }),
})
const OrderShipped = defineEvent('orders.order-shipped', { schema: z.number() })
type OrderCreated = EventOf<typeof OrderCreated>
declare const order: OrderCreated
declare const shipped: EventOf<typeof OrderShipped>

// An assertion returns the typed event. An assertion that waits returns a promise of it.
expectTypeOf(assertEventPublished(OrderCreated)).toEqualTypeOf<OrderCreated>()
expectTypeOf(assertEventPublished(OrderCreated, { total: 42 }).data.total).toEqualTypeOf<number>()
expectTypeOf(assertEventPublished(OrderCreated, undefined, { withinMs: 500 })).toEqualTypeOf<Promise<OrderCreated>>()
expectTypeOf(publishedEvents()).toEqualTypeOf<readonly Envelope[]>()
expectTypeOf(publishedEvents(OrderCreated)).toEqualTypeOf<readonly OrderCreated[]>()
expectTypeOf(refuteEventPublished(OrderCreated)).toEqualTypeOf<void>()

// A match is a part of the schema's output, with matchers inside, or a predicate on the event.
assertEventPublished(OrderCreated, { customer: { name: 'Ada' }, placedAt: new Date() })
assertEventPublished(OrderCreated, { customer: { tags: ['new', expect.stringContaining('vip')] } })
assertEventPublished(OrderCreated, { orderId: expect.any(String), total: expect.closeTo(42), note: undefined })
assertEventPublished(OrderCreated, { orderId: { asymmetricMatch: (other: unknown) => other === 'o1' } })
assertEventPublished(OrderCreated, (event) => {
  expectTypeOf(event).toEqualTypeOf<OrderCreated>()
  return event.data.total > 41
})
assertEventPublished(OrderShipped, 3)
refuteEventPublished(OrderCreated, { orderId: 'o1' })

// @ts-expect-error -- this event has no such property
void assertEventPublished(OrderCreated, { orderID: 'o1' })
// @ts-expect-error -- nor has its nested object
void assertEventPublished(OrderCreated, { customer: { nick: 'Ada' } })
// @ts-expect-error -- the schema's output is a number
void assertEventPublished(OrderCreated, { total: '42' })
// @ts-expect-error -- an item of another type
void assertEventPublished(OrderCreated, { customer: { tags: [1] } })
// @ts-expect-error -- a predicate returns a boolean
void assertEventPublished(OrderCreated, (event) => event.data.orderId)
// @ts-expect-error -- a predicate must be synchronous
void assertEventPublished(OrderCreated, async () => true)
// @ts-expect-error -- this event has no such property
refuteEventPublished(OrderCreated, { orderID: 'o1' })
// @ts-expect-error -- the name of an event type is not the event type
void assertEventPublished('orders.order-created')
// @ts-expect-error -- an event is not an event type
void assertEventPublished(order)
// @ts-expect-error -- an assertion that waits must be awaited
void assertEventPublished(OrderCreated, undefined, { withinMs: 500 }).data
// @ts-expect-error -- this option does not exist: its name is withinMs
void assertEventPublished(OrderCreated, undefined, { timeout: 500 })

// Modes.
setEventBusMode('default')
expectTypeOf(getEventBusMode()).toEqualTypeOf<EventBusMode>()
expectTypeOf<EventBusMode>().toEqualTypeOf<'mailbox' | 'strict' | 'inline' | 'live'>()
// @ts-expect-error -- this mode does not exist
setEventBusMode('lenient')

// A handler run in a test: its return value is the result, and outcomes such as `failed` become states.
const invoice = defineHandler('finances.create-invoice', {
  on: OrderCreated,
  async handle(event) {
    if (event.data.total === 0) return failed('nothing to pay')
    if (event.data.total === 1) return discard('too small')
    if (event.data.total === 2) return snooze({ seconds: 1 })
    return { invoiceId: event.data.orderId }
  },
})
const ran = await runEvent(invoice, order, { attempt: 2 })
switch (ran.state) {
  case 'processed':
    expectTypeOf(ran.result).toEqualTypeOf<{ invoiceId: string }>()
    break
  case 'failed':
  case 'discarded':
  case 'skipped':
    expectTypeOf(ran.reason).toEqualTypeOf<string>()
    break
  case 'snoozed':
    expectTypeOf(ran.delayMs).toEqualTypeOf<number>()
    break
  case 'awaiting':
    expectTypeOf(ran.timeoutMs).toEqualTypeOf<number>()
    break
  case 'not_interested':
    break
  default:
    ran satisfies never
}
const done = await runEventOrThrow(invoice, order)
expectTypeOf(done.state).toEqualTypeOf<'processed' | 'not_interested' | 'skipped'>()

const progress = defineHandler('mail.progress', { on: [OrderCreated, OrderShipped], handle() {} })
void runEvent(progress, shipped)
void runEvent(defineHandler('audit.log', { on: 'orders.*', handle: () => 1 }), shipped)
// @ts-expect-error -- an event of another type
void runEvent(invoice, shipped)
// @ts-expect-error -- an event type is not an event
void runEvent(invoice, OrderCreated)
// @ts-expect-error -- the name of a handler is not the handler
void runEvent('finances.create-invoice', order)
// @ts-expect-error -- a database is not a transaction
void runEvent(invoice, order, { tx: 'db' })

// `allowEventBus` returns the same type that it gets.
const bus = createBus({ backend: 'mailbox' })
expectTypeOf(allowEventBus((orderId: string) => bus.publish(OrderShipped(orderId.length)))).parameters.toEqualTypeOf<
  [orderId: string]
>()
expectTypeOf(allowEventBus(bus)).toEqualTypeOf(bus)
void allowEventBus(createServer()).listen(0)
// @ts-expect-error -- a number cannot be bound to a test
allowEventBus(7)

// withTestBus returns the result of the test.
expectTypeOf(withTestBus(async () => 7)).toEqualTypeOf<Promise<number>>()
expectTypeOf(withTestBus((test) => test, { name: 'x', mode: 'strict' })).toEqualTypeOf<Promise<TestBus>>()
// @ts-expect-error -- this backend does not exist
createBus({ backend: 'memory' })

// In a match, branded ids are plain strings or numbers, at any depth.
const OrderId = z.string().brand<'OrderId'>()
const OrderPaid = defineEvent('orders.order-paid', {
  schema: z.object({
    orderId: OrderId,
    count: z.number().brand<'Count'>(),
    at: z.date().brand<'At'>(),
    status: z.enum(['paid', 'refunded']),
    lines: z.array(z.object({ sku: z.string().brand<'Sku'>(), quantity: z.number() })),
    byId: z.record(OrderId, z.object({ parent: OrderId.nullable() })),
    ids: z.set(OrderId),
    prices: z.map(OrderId, z.number()),
    pair: z.tuple([OrderId, z.number()]),
    customer: z.object({ id: z.string() }).brand<'Customer'>(),
  }),
})
type Flavored = string & { readonly __tag: 'flavor' }
const Flavor = defineEvent('orders.flavored', { schema: z.custom<{ id: Flavored; big: bigint & { __tag: 'b' } }>() })
assertEventPublished(OrderPaid, { orderId: 'o1', count: 3, at: new Date(), status: 'paid', pair: ['o1', 1] })
assertEventPublished(OrderPaid, { lines: [{ sku: 'a' }], byId: { o1: { parent: 'o2' } }, customer: { id: 'c1' } })
assertEventPublished(OrderPaid, { ids: new Set(['o1']), prices: new Map([['o1', 1]]) })
assertEventPublished(OrderPaid, { orderId: OrderId.parse('o1'), lines: [{ sku: expect.any(String) }] })
refuteEventPublished(OrderPaid, { orderId: 'o1' })
assertEventPublished(Flavor, { id: 'f1', big: 1n })
expectTypeOf(assertEventPublished(OrderPaid).data.orderId).toEqualTypeOf<z.infer<typeof OrderId>>()
// @ts-expect-error -- orderId is a string, not a number
void assertEventPublished(OrderPaid, { orderId: 1 })
// @ts-expect-error -- an enum takes only its own values
void assertEventPublished(OrderPaid, { status: 'payed' })
// @ts-expect-error -- values in a record are checked too
void assertEventPublished(OrderPaid, { byId: { o1: { parent: 1 } } })
