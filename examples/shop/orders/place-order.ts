/** Places an order: its rows and its event are one transaction, and a declined payment rolls both back. */
import type { Bus } from '../../../src/index.ts'
import { shop } from '../database.ts'
import { OrderCreated } from './events.ts'
import type { OrdersTables } from './tables.ts'

export type NewOrder = OrderCreated['data']

export interface Checkout {
  readonly bus: Bus
  /** Requests the payment. @throws {PaymentDeclined} */
  authorisePayment(order: NewOrder): Promise<void>
}

export class PaymentDeclined extends Error {
  override readonly name = 'PaymentDeclined'
}

/** The payment comes last, after the event was published: if it is declined, neither the order nor the event ever existed. */
export async function placeOrder(order: NewOrder, { bus, authorisePayment }: Checkout): Promise<'placed' | 'declined'> {
  const { orderId, placedAt, lines } = order
  try {
    await shop.db.transaction().execute(async (trx) => {
      const orders = trx.$extendTables<OrdersTables>()
      await orders.insertInto('orders_order').values(rowOf(order)).execute()
      await orders
        .insertInto('orders_line')
        .values(lines.map((line, index) => lineRowOf(orderId, line, index + 1)))
        .execute()
      await bus.publish(OrderCreated(order, { occurredAt: placedAt }), { tx: trx })
      await authorisePayment(order)
    })
    return 'placed'
  } catch (error) {
    if (error instanceof PaymentDeclined) return 'declined'
    throw error
  }
}

function rowOf({ orderId, customerId, totalCents, placedAt }: NewOrder): OrdersTables['orders_order'] {
  return { order_id: orderId, customer_id: customerId, total_cents: totalCents, placed_at: placedAt, shipped_at: null }
}

function lineRowOf(orderId: string, line: NewOrder['lines'][number], number: number): OrdersTables['orders_line'] {
  return {
    order_id: orderId,
    line: number,
    product_id: line.productId,
    quantity: line.quantity,
    cents: line.cents,
  }
}
