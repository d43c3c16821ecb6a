/** The handlers that a worker runs. Each prints what it has done. */
import { defineHandler } from '../../src/index.ts'
import { OrderCancelled, OrderPlaced } from './events.ts'

export type Tell = (line: string) => void

export function shopHandlers(tell: Tell) {
  const invoice = defineHandler('finances.invoice', {
    on: OrderPlaced,
    handle: ({ data: { orderId, total, placedAt } }) =>
      tell(`invoice for order ${orderId}: ${total}, placed in ${placedAt.getUTCFullYear()}`),
  })
  // Its filter is code that SQL cannot call, so a worker calls it.
  const call = defineHandler('sales.call-about-large-orders', {
    on: OrderPlaced,
    interested: ({ data }) => data.total >= 1_000,
    handle: ({ data: { orderId } }) => tell(`call the customer of order ${orderId}`),
  })
  const restock = defineHandler('stock.restock', {
    on: OrderCancelled,
    handle: ({ data: { orderId } }) => tell(`order ${orderId} goes back to the shelf`),
  })
  return [invoice, call, restock]
}
