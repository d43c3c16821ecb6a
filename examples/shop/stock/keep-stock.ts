/**
 * Reserves items when they are ordered, and removes them when they are shipped. One handler does both, because the second depends on the
 * first: one handler gets the events of one order one at a time and in order.
 */
import { defineHandler } from '../../../src/index.ts'
import { shop } from '../database.ts'
import { recordRun } from '../ledger.ts'
import { OrderCreated, OrderShipped } from '../orders/events.ts'
import type { StockTables } from './tables.ts'

const stock = shop.db.$extendTables<StockTables>()

export const keepStock = defineHandler('stock.keep-stock', {
  on: [OrderCreated, OrderShipped],
  async handle(event, context) {
    await recordRun({ handler: 'stock.keep-stock', event, context }, change(event))
  },
})

function change(event: OrderCreated | OrderShipped) {
  switch (event.type) {
    case 'orders.order-created':
      return reserve(event.data)
    case 'orders.order-shipped':
      return remove(event.data)
  }
}

function reserve({ orderId, lines }: OrderCreated['data']) {
  const reservations = lines.map(({ productId, quantity }, index) => ({
    order_id: orderId,
    line: index + 1,
    product_id: productId,
    quantity,
    removed_at: null,
  }))
  return stock
    .insertInto('stock_reservation')
    .values(reservations)
    .onConflict((conflict) => conflict.columns(['order_id', 'line']).doNothing())
}

/** If the order were not reserved yet, nothing would be removed, and the account would show it. */
function remove({ orderId, shippedAt }: OrderShipped['data']) {
  return stock.updateTable('stock_reservation').set({ removed_at: shippedAt }).where('order_id', '=', orderId)
}
