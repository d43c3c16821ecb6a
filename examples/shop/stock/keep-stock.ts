/**
 * Reserves items when they are ordered, and removes them when they are shipped. One handler for both, since they depend on
 * each other: of one handler and one order, events come one at a time and in turn.
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

/** Had the order not been reserved yet, nothing would be removed, and the account would show it. */
function remove({ orderId, shippedAt }: OrderShipped['data']) {
  return stock.updateTable('stock_reservation').set({ removed_at: shippedAt }).where('order_id', '=', orderId)
}
