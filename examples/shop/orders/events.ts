/** What the orders module tells the others. Its events are all they know of it. */
import { z } from 'zod'
import { defineEvent, type EventOf } from '../../../src/index.ts'

const orderLine = z.object({
  productId: z.string(),
  quantity: z.int().positive(),
  cents: z.int().nonnegative(),
})

/** A customer has ordered, and the order stands. */
export const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({
    orderId: z.string(),
    customerId: z.string(),
    customerName: z.string(),
    shipMode: z.enum(['Same Day', 'First Class', 'Second Class', 'Standard Class']),
    totalCents: z.int().nonnegative(),
    placedAt: z.date(),
    lines: z.array(orderLine).nonempty(),
  }),
  partitionKey: (data) => data.orderId,
})
export type OrderCreated = EventOf<typeof OrderCreated>

/** Everything that was ordered has left the house. */
export const OrderShipped = defineEvent('orders.order-shipped', {
  schema: z.object({ orderId: z.string(), customerId: z.string(), shippedAt: z.date() }),
  partitionKey: (data) => data.orderId,
})
export type OrderShipped = EventOf<typeof OrderShipped>
