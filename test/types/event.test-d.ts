/** The types of an event type: its name, its version, and its data from the schema. */
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import { defineEvent, type Envelope, type EventOf, type EventType } from '../../src/index.ts'

interface PlacedOrder {
  orderId: string
  total: number
  placedAt: Date
  lines: string[]
}

const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({
    orderId: z.string(),
    total: z.string().transform(Number),
    placedAt: z.coerce.date(),
    lines: z.array(z.string()).default([]),
  }),
  version: 2,
  partitionKey: (data) => {
    expectTypeOf(data).toEqualTypeOf<PlacedOrder>()
    return data.orderId
  },
})
type OrderCreated = EventOf<typeof OrderCreated>

// Names and versions stay literal types, and the version is 1 unless declared.
expectTypeOf(OrderCreated.type).toEqualTypeOf<'orders.order-created'>()
expectTypeOf(OrderCreated.version).toEqualTypeOf<2>()
const OrderShipped = defineEvent('orders.order-shipped', { schema: z.object({ orderId: z.string() }) })
expectTypeOf(OrderShipped.version).toEqualTypeOf<1>()

// The publisher passes the schema's input. All others get the schema's output.
const made = OrderCreated({ orderId: 'o1', total: '42', placedAt: '2026-01-01' })
expectTypeOf(made).toEqualTypeOf<Envelope<'orders.order-created', 2, PlacedOrder>>()
expectTypeOf(made.data).toEqualTypeOf<PlacedOrder>()
OrderCreated({ orderId: 'o1', total: '42', placedAt: new Date(), lines: ['a'] })

// EventOf is the event of its type, and every event is an Envelope.
expectTypeOf<OrderCreated>().toEqualTypeOf<typeof made>()
expectTypeOf<OrderCreated>().toExtend<Envelope>()
expectTypeOf<OrderCreated['type']>().toEqualTypeOf<'orders.order-created'>()
expectTypeOf<EventOf<EventType>>().toEqualTypeOf<Envelope>()

// Every event type is an EventType. A schema need not be an object schema, and a key may be null.
expectTypeOf(OrderCreated).toExtend<EventType>()
const Ticked = defineEvent('clock.ticked', {
  schema: z.number(),
  partitionKey: (minute) => (minute > 0 ? `${minute}` : null),
})
expectTypeOf(Ticked(1).data).toEqualTypeOf<number>()

// `is` narrows an event of any type, and excludes its type from the rest of a union.
const any = made as Envelope
if (OrderCreated.is(any)) expectTypeOf(any.data).toEqualTypeOf<PlacedOrder>()
const either = made as OrderCreated | EventOf<typeof OrderShipped>
if (OrderCreated.is(either)) expectTypeOf(either).toEqualTypeOf<OrderCreated>()
else expectTypeOf(either).toEqualTypeOf<EventOf<typeof OrderShipped>>()
expectTypeOf([any].filter(OrderCreated.is)).toEqualTypeOf<OrderCreated[]>()

// All other properties of an event are optional.
OrderShipped({ orderId: 'o1' }, { id: 'x', occurredAt: new Date(), source: 'shop', metadata: { a: [1] }, ttlMs: 1 })

// Events cannot be changed.
// @ts-expect-error -- a field of the envelope is read-only
made.source = 'shop'
// @ts-expect-error -- metadata are read-only too
made.metadata['tenant'] = 'a'

// @ts-expect-error -- orderId is a string
OrderShipped({ orderId: 7 })
// @ts-expect-error -- a property is missing
OrderShipped({})
// @ts-expect-error -- the schema does not know this property
OrderShipped({ orderId: 'o1', note: 'late' })
// @ts-expect-error -- the schema takes a string here, although handlers get a number
OrderCreated({ orderId: 'o1', total: 42, placedAt: new Date() })
// @ts-expect-error -- data are not optional
OrderShipped()
// @ts-expect-error -- this option does not exist: its name is correlationId
OrderShipped({ orderId: 'o1' }, { correlationID: 'c1' })
// @ts-expect-error -- metadata are JSON: a date would become text
OrderShipped({ orderId: 'o1' }, { metadata: { at: new Date() } })

// @ts-expect-error -- an event type needs a schema
defineEvent('orders.order-created', {})
// @ts-expect-error -- a class is not a schema
defineEvent('orders.order-created', { schema: Object })
// @ts-expect-error -- a version is a number
defineEvent('orders.order-created', { schema: z.string(), version: '2' })
// @ts-expect-error -- this option does not exist: its name is partitionKey
defineEvent('orders.order-created', { schema: z.string(), key: (data: string) => data })
// @ts-expect-error -- a partition key is a string or null
defineEvent('orders.order-created', { schema: z.string(), partitionKey: () => 7 })
// @ts-expect-error -- undefined is not "no key": it would too often be a mistake
defineEvent('orders.order-created', { schema: z.record(z.string(), z.string()), partitionKey: (data) => data['id'] })
// @ts-expect-error -- `partitionKey` must be synchronous
defineEvent('orders.order-created', { schema: z.string(), partitionKey: async (data) => data })
