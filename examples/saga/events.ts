/** The events of an order. Each has the order as its key, so each handler gets them in order. */
import { z } from 'zod'
import { defineEvent } from '../../src/index.ts'

const partitionKey = ({ orderId }: { readonly orderId: string }) => orderId
const orderId = z.string()

export const OrderPlaced = defineEvent('orders.order-placed', {
  schema: z.object({ orderId, sku: z.string(), amount: z.number(), currency: z.string() }),
  partitionKey,
})
export const PaymentTaken = defineEvent('payments.payment-taken', {
  schema: z.object({ orderId, sku: z.string(), paymentId: z.string() }),
  partitionKey,
})
export const StockReserved = defineEvent('stock.stock-reserved', { schema: z.object({ orderId }), partitionKey })
export const ReservationFailed = defineEvent('stock.reservation-failed', {
  schema: z.object({ orderId, paymentId: z.string(), reason: z.string() }),
  partitionKey,
})
export const PaymentRefunded = defineEvent('payments.payment-refunded', {
  schema: z.object({ orderId, reason: z.string() }),
  partitionKey,
})
export const OrderConfirmed = defineEvent('orders.order-confirmed', { schema: z.object({ orderId }), partitionKey })
export const OrderCancelled = defineEvent('orders.order-cancelled', {
  schema: z.object({ orderId, reason: z.string() }),
  partitionKey,
})
