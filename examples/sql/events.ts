/** The events of this shop. SQL publishes them, so their schemas take JSON: a date arrives as text, and the schema makes it a Date. */
import { z } from 'zod'
import { defineEvent } from '../../src/index.ts'

export const OrderPlaced = defineEvent('orders.order-placed', {
  schema: z.object({ orderId: z.coerce.string(), total: z.number(), placedAt: z.coerce.date() }),
  partitionKey: ({ orderId }) => orderId,
})

export const OrderCancelled = defineEvent('orders.order-cancelled', {
  schema: z.object({ orderId: z.coerce.string() }),
  partitionKey: ({ orderId }) => orderId,
})
