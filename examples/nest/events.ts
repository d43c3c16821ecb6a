/** The events by which the modules of this shop communicate. A module imports this file, and no other module. */
import { z } from 'zod'
import { defineEvent, type EventOf } from '../../src/index.ts'

export const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string(), sku: z.string(), count: z.int().min(1) }),
  partitionKey: ({ sku }) => sku,
})
export type OrderCreated = EventOf<typeof OrderCreated>

export const StockReserved = defineEvent('stock.stock-reserved', {
  schema: z.object({ orderId: z.string(), sku: z.string(), left: z.int() }),
})
export type StockReserved = EventOf<typeof StockReserved>
