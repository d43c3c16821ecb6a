/** The types of a handler: its event from `on`, its options, and its return values. */
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import {
  defineEvent,
  defineHandler,
  discard,
  failed,
  shadow,
  snooze,
  type AnyHandler,
  type Discard,
  type Envelope,
  type EventOf,
  type Failed,
  type Handler,
  type HandlerContext,
  type HandlerLog,
  type PublishResult,
  type ShadowEvent,
  type Snooze,
  type PublishTransaction,
} from '../../src/index.ts'

const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string(), total: z.string().transform(Number) }),
})
const OrderShipped = defineEvent('orders.order-shipped', { schema: z.object({ parcels: z.number() }), version: 2 })
type OrderCreated = EventOf<typeof OrderCreated>
type OrderShipped = EventOf<typeof OrderShipped>

// One event type: `interested` and `handle` get its event, with the schema's output.
const createInvoice = defineHandler('finances.create-invoice', {
  on: OrderCreated,
  interested: (event) => {
    expectTypeOf(event).toEqualTypeOf<OrderCreated>()
    return event.data.total > 0
  },
  async handle(event, context) {
    expectTypeOf(event).toEqualTypeOf<OrderCreated>()
    expectTypeOf(context).toEqualTypeOf<HandlerContext>()
    return { invoiceId: `i-${event.data.orderId}` }
  },
})

// The type of a handler keeps its name, its event types and its return type.
expectTypeOf(createInvoice).toEqualTypeOf<
  Handler<'finances.create-invoice', typeof OrderCreated, Promise<{ invoiceId: string }>>
>()
expectTypeOf(createInvoice.name).toEqualTypeOf<'finances.create-invoice'>()
expectTypeOf(createInvoice.handle).returns.resolves.toEqualTypeOf<{ invoiceId: string }>()

// Several event types: a union that `switch` narrows, exhaustively.
defineHandler('mail.progress', {
  on: [OrderCreated, OrderShipped],
  interested: (event) => event.type === 'orders.order-shipped' && event.data.parcels > 0,
  handle(event): string {
    expectTypeOf(event).toEqualTypeOf<OrderCreated | OrderShipped>()
    switch (event.type) {
      case 'orders.order-created':
        return event.data.orderId
      case 'orders.order-shipped':
        expectTypeOf(event.version).toEqualTypeOf<2>()
        return String(event.data.parcels)
      default:
        return event satisfies never
    }
  },
})
const both = [OrderCreated, OrderShipped] as const
defineHandler('mail.both', {
  on: both,
  handle: (event) => expectTypeOf(event).toEqualTypeOf<OrderCreated | OrderShipped>(),
})

// A pattern: an event of any type, with data of type unknown.
defineHandler('audit.text', { on: 'orders.*', handle: (event) => expectTypeOf(event).toEqualTypeOf<Envelope>() })
defineHandler('audit.regexp', { on: /^orders\./, handle: (event) => expectTypeOf(event.data).toBeUnknown() })

// A list of event types and patterns: the data are unknown until `is` narrows the type.
defineHandler('audit.mixed', {
  on: [OrderCreated, 'stock.*', /^mail\./],
  interested: (event) => !OrderCreated.is(event) || event.data.total > 0,
  handle(event) {
    expectTypeOf(event).toEqualTypeOf<OrderCreated | Envelope>()
    if (!OrderCreated.is(event)) return expectTypeOf(event.data).toBeUnknown()
    expectTypeOf(event.data.total).toBeNumber()
    return expectTypeOf(event.type).toEqualTypeOf<'orders.order-created'>()
  },
})
const mixed = [OrderShipped, /^orders\./] as const
defineHandler('audit.both', {
  on: mixed,
  handle: (event) => expectTypeOf(event).toEqualTypeOf<OrderShipped | Envelope>(),
})

// A shadow: `interested` gets the whole event. `handle` gets the event without its data, and can fetch the data.
const indexed = defineHandler('search.index', {
  on: shadow(OrderCreated),
  interested: (event) => {
    expectTypeOf(event).toEqualTypeOf<OrderCreated>()
    return true
  },
  async handle(event) {
    expectTypeOf(event).toEqualTypeOf<ShadowEvent<'orders.order-created', 1, OrderCreated['data']>>()
    expectTypeOf(event.id).toBeString()
    expectTypeOf(event.partitionKey).toEqualTypeOf<string | null>()
    // @ts-expect-error -- the data must be fetched
    void event.data
    expectTypeOf(await event.fetch()).toEqualTypeOf<OrderCreated>()
    return 7
  },
})
expectTypeOf(indexed.handle).returns.resolves.toBeNumber()
expectTypeOf(indexed).toExtend<AnyHandler>()
defineHandler('search.several', {
  on: shadow([OrderCreated, OrderShipped]),
  async handle(event) {
    if (event.type === 'orders.order-created') expectTypeOf(await event.fetch()).toEqualTypeOf<OrderCreated>()
    else expectTypeOf(await event.fetch()).toEqualTypeOf<OrderShipped>()
  },
})
defineHandler('search.pattern', {
  on: shadow('orders.*'),
  handle: async (event) => expectTypeOf(await event.fetch()).toEqualTypeOf<Envelope>(),
})

// One definition, registered several times: each handler keeps its own name.
const notify = <const Channel extends string>(channel: Channel) =>
  defineHandler(`notify.${channel}`, { on: OrderCreated, handle: (event) => `${channel} ${event.data.orderId}` })
expectTypeOf(notify('sales').name).toEqualTypeOf<'notify.sales'>()
expectTypeOf(notify('sales').handle).returns.toBeString()

// Every outcome, alone and together with values, and no return value.
expectTypeOf(
  defineHandler('mail.answers', {
    on: OrderCreated,
    handle({ data }) {
      if (data.total === 0) return failed('nothing to pay', { cause: data })
      if (data.total === 1) return discard('too small')
      if (data.total === 2) return snooze({ hours: 1, minutes: 1, seconds: 1 })
      return data.total
    },
  }).handle,
).returns.toEqualTypeOf<Failed | Discard | Snooze | number>()
expectTypeOf(defineHandler('mail.nothing', { on: OrderCreated, handle() {} }).handle).returns.toBeVoid()
failed(new Error('declined'))

// Every option, and a backoff in both forms.
const options = { priority: 9, maxAttempts: 10, timeoutMs: 1_000, queue: 'slow', onDead: 'block' } as const
const handle = () => undefined
defineHandler('mail.options', { on: OrderCreated, handle, ...options, backoff: { initialMs: 1, factor: 2, jitter: 0 } })
defineHandler('mail.function', { on: OrderCreated, handle, backoff: (attempt) => attempt * 1_000 })
defineHandler('mail.limited', { on: OrderCreated, handle, concurrency: 5 })
defineHandler('mail.limited', { on: OrderCreated, handle, concurrency: { perProcess: 5, cluster: 10 } })

// Any handler is an AnyHandler.
expectTypeOf(createInvoice).toExtend<AnyHandler>()
expectTypeOf<Handler<'audit.log', 'orders.*', void>>().toExtend<AnyHandler>()

// The context.
expectTypeOf<HandlerContext['attempt']>().toBeNumber()
expectTypeOf<HandlerContext['maxAttempts']>().toBeNumber()
expectTypeOf<HandlerContext['deliveryId']>().toBeString()
expectTypeOf<HandlerContext['signal']>().toEqualTypeOf<AbortSignal>()
expectTypeOf<HandlerContext['log']>().toEqualTypeOf<HandlerLog>()
expectTypeOf<HandlerContext['tx']>().toEqualTypeOf<PublishTransaction | undefined>()
expectTypeOf<HandlerContext['publish']>().returns.resolves.toEqualTypeOf<PublishResult>()
defineHandler('mail.context', {
  on: OrderCreated,
  handle: (_, { tx }) => expectTypeOf(tx).toEqualTypeOf<PublishTransaction | undefined>(),
})
defineHandler('mail.transactional', {
  on: OrderCreated,
  transactional: true,
  handle: (_, { tx }) => expectTypeOf(tx).toEqualTypeOf<PublishTransaction>(),
})
defineHandler('mail.in-transaction', {
  on: OrderCreated,
  runs: 'in-transaction',
  handle: (_, { tx }) => expectTypeOf(tx).toEqualTypeOf<PublishTransaction>(),
})
defineHandler('mail.context', {
  on: OrderCreated,
  async handle(event, context) {
    await context.publish([event, OrderShipped({ parcels: 1 })])
    context.log.warn('slow', { ms: 900 })
    // @ts-expect-error -- the context is read-only
    context.attempt = 1
    // @ts-expect-error -- an event type is not an event
    await context.publish(OrderShipped)
  },
})

// @ts-expect-error -- a handler needs `on`
defineHandler('mail.receipt', { handle })
// @ts-expect-error -- a handler needs `handle`
defineHandler('mail.receipt', { on: OrderCreated })
// @ts-expect-error -- a number in the list is not an event type
defineHandler('mail.receipt', { on: [OrderCreated, 7], handle })
// @ts-expect-error -- a shadow must include the whole list
defineHandler('mail.receipt', { on: [shadow(OrderCreated), OrderShipped], handle })
// @ts-expect-error -- a shadow of a shadow does not exist
shadow(shadow(OrderCreated))
// @ts-expect-error -- with a pattern in the list, the data are unknown
defineHandler('mail.receipt', { on: [OrderCreated, 'stock.*'], handle: ({ data }) => data.orderId })
// @ts-expect-error -- an event is not an event type
defineHandler('mail.receipt', { on: OrderCreated({ orderId: 'o1', total: '1' }), handle })
// @ts-expect-error -- `interested` must be synchronous: publish calls it
defineHandler('mail.receipt', { on: OrderCreated, handle, interested: async () => true })
// @ts-expect-error -- `interested` must return a boolean
defineHandler('mail.receipt', { on: OrderCreated, handle, interested: (event) => event.data.orderId })
// @ts-expect-error -- this option does not exist: its name is maxAttempts
defineHandler('mail.receipt', { on: OrderCreated, handle, retries: 3 })
// @ts-expect-error -- this kind of limit does not exist
defineHandler('mail.receipt', { on: OrderCreated, handle, concurrency: { perQueue: 5 } })
// @ts-expect-error -- onDead is continue or block
defineHandler('mail.receipt', { on: OrderCreated, handle, onDead: 'stop' })
// @ts-expect-error -- this part of a backoff does not exist: its name is initialMs
defineHandler('mail.receipt', { on: OrderCreated, handle, backoff: { delayMs: 1 } })
// @ts-expect-error -- a backoff function must be synchronous
defineHandler('mail.receipt', { on: OrderCreated, handle, backoff: async () => 1_000 })
// @ts-expect-error -- a priority is a number from 0 to 9
defineHandler('mail.receipt', { on: OrderCreated, handle, priority: 'high' })
// @ts-expect-error -- this event has no such property
defineHandler('mail.receipt', { on: OrderShipped, handle: ({ data }) => data.orderId })
// @ts-expect-error -- the type of the event must be checked first
defineHandler('mail.receipt', { on: [OrderCreated, OrderShipped], handle: ({ data }) => data.orderId })
// @ts-expect-error -- with a pattern, the data are unknown
defineHandler('mail.receipt', { on: 'orders.*', handle: ({ data }) => data.orderId })
// @ts-expect-error -- an event of another type
defineHandler('mail.receipt', { on: OrderCreated, handle: (_event: OrderShipped) => undefined })
// @ts-expect-error -- this unit of time does not exist
snooze({ days: 1 })
// @ts-expect-error -- a duration needs a unit
snooze(30)
// @ts-expect-error -- discard needs a reason
discard()
// @ts-expect-error -- a handler is read-only
createInvoice.options.maxAttempts = 1
