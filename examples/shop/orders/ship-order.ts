/** Ships an order: the update locks the order's row, and this lock also decides the order of its events. */
import type { Bus } from '../../../src/index.ts'
import { shop } from '../database.ts'
import { OrderShipped } from './events.ts'
import type { OrdersTables } from './tables.ts'

export interface Dispatch {
  readonly orderId: string
  readonly shippedAt: Date
}

export async function shipOrder({ orderId, shippedAt }: Dispatch, bus: Bus): Promise<void> {
  await shop.db.transaction().execute(async (trx) => {
    const { customer_id: customerId } = await trx
      .$extendTables<OrdersTables>()
      .updateTable('orders_order')
      .set({ shipped_at: shippedAt })
      .where('order_id', '=', orderId)
      .returning('customer_id')
      .executeTakeFirstOrThrow()
    await bus.publish(OrderShipped({ orderId, customerId, shippedAt }, { occurredAt: shippedAt }), { tx: trx })
  })
}
