/** The events of the orders module. Other modules know nothing else of it. */
import { z } from 'zod'
import { defineEvent, type EventOf } from '../../../src/index.ts'

const orderLine = z.object({
  productId: z.string(),
  quantity: z.int().positive(),
  cents: z.int().nonnegative(),
})

/** A customer has placed an order, and the payment was not declined. */
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

/** All items of the order were shipped. */
export const OrderShipped = defineEvent('orders.order-shipped', {
  schema: z.object({ orderId: z.string(), customerId: z.string(), shippedAt: z.date() }),
  partitionKey: (data) => data.orderId,
})
export type OrderShipped = EventOf<typeof OrderShipped>
