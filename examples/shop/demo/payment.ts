/** A payment provider that declines one order in fifty after its event was published: the order and its event must disappear. */
import { PaymentDeclined, type Checkout } from '../orders/place-order.ts'
import type { SuperstoreOrder } from './superstore.ts'

export function isDeclined(order: SuperstoreOrder): boolean {
  return order.number % 50 === 0
}

/** Returns the function that `placeOrder` calls. It knows the orders that will be declined. */
export function paymentProvider(orders: readonly SuperstoreOrder[]): Checkout['authorisePayment'] {
  const declined = new Set(orders.filter(isDeclined).map((order) => order.orderId))
  return async ({ orderId }) => {
    if (declined.has(orderId)) throw new PaymentDeclined(`The payment of order ${orderId} was declined.`)
  }
}
