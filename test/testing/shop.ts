/** A shop without a database: the events that the tests of the testing kit publish, and their handlers. */
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type BusOptions } from '../../src/index.ts'

export const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string(), total: z.number(), placedAt: z.date().optional() }),
  partitionKey: (data) => data.orderId,
})
export const CartCleared = defineEvent('carts.cart-cleared', { schema: z.object({ cartId: z.string() }) })
export const ParcelSent = defineEvent('cargo.parcel-sent', {
  schema: z.object({ lines: z.array(z.object({ sku: z.string(), count: z.number() })) }),
})

export const createInvoice = defineHandler('finances.create-invoice', {
  on: OrderCreated,
  interested: (event) => event.data.total > 0,
  handle: () => undefined,
})
export const sendReceipt = defineHandler('mail.send-receipt', { on: 'orders.*', handle: () => undefined })

/** A bus without a database. */
export function aBus(options: BusOptions = {}) {
  return createBus({ handlers: [createInvoice, sendReceipt], onSignal: () => undefined, ...options })
}

export function anOrder(data: Partial<{ orderId: string; total: number; placedAt: Date }> = {}) {
  return OrderCreated({ orderId: 'o1', total: 42, ...data })
}
