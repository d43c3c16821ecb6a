/** The types of upcasts: the input of each, and that the last one returns the schema's input. */
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import { defineEvent, upcast } from '../../src/index.ts'

const V1 = defineEvent('orders.order-created', { schema: z.object({ orderId: z.string() }) })
const V2 = defineEvent('orders.order-created', {
  version: 2,
  schema: z.object({ orderId: z.string(), total: z.string().transform(Number) }),
})
const schema = z.object({ orderId: z.string(), cents: z.coerce.date() })

// Old data are unknown. With `upcast(type, …)` they have that type: as stored, or as the previous upcast returned them.
defineEvent('orders.order-created', {
  version: 3,
  schema,
  upcasts: {
    1: (v1) => {
      expectTypeOf(v1).toEqualTypeOf<unknown>()
      return v1
    },
    2: upcast(V2, (v2) => {
      expectTypeOf(v2).toEqualTypeOf<{ orderId: string; total: number } | { orderId: string; total: string }>()
      return { orderId: v2.orderId, cents: new Date() }
    }),
  },
})
upcast(V1, (v1) => expectTypeOf(v1).toEqualTypeOf<{ orderId: string }>())

// The last upcast returns the schema's input.
defineEvent('orders.order-created', {
  version: 3,
  schema,
  upcasts: {
    1: () => 'anything',
    // @ts-expect-error -- no cents
    2: () => ({ orderId: 'o-1' }),
  },
})
defineEvent('orders.order-created', {
  version: 2,
  schema,
  // @ts-expect-error -- no cents
  upcasts: { 1: upcast(V1, ({ orderId }) => ({ orderId })) },
})

// No upcast may start from the type's own version or a later one.
// @ts-expect-error -- 3 is the type's own version
defineEvent('orders.order-created', { version: 3, schema, upcasts: { 3: () => 1 } })
// @ts-expect-error -- 1 is the type's own version
defineEvent('orders.order-created', { schema, upcasts: { 1: () => 1 } })

// A version may be a date.
defineEvent('orders.order-created', { version: 20260131, schema, upcasts: { 20251231: () => 1 } })
expectTypeOf(V1.previousNames).toEqualTypeOf<readonly string[]>()
