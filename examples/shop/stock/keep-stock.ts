/**
 * Reserves items when they are ordered, and removes them when they are shipped. One handler for both, since they depend on
 * each other: of one handler and one order, events come one at a time and in turn.
 */
import type { Transaction } from 'kysely'
import { defineHandler } from '../../../src/index.ts'
import { recordRun } from '../ledger.ts'
import { OrderCreated, OrderShipped } from '../orders/events.ts'
import type { StockTables } from './tables.ts'

export const keepStock = defineHandler('stock.keep-stock', {
  on: [OrderCreated, OrderShipped],
  async handle(event, context) {
    await recordRun({ handler: 'stock.keep-stock', event, context }, (trx) => {
      const stock = trx.$extendTables<StockTables>()
      switch (event.type) {
        case 'orders.order-created':
          return reserve(stock, event.data)
        case 'orders.order-shipped':
          return remove(stock, event.data)
      }
    })
  },
})

async function reserve(stock: Transaction<StockTables>, { orderId, lines }: OrderCreated['data']): Promise<void> {
  const reservations = lines.map(({ productId, quantity }, index) => ({
    order_id: orderId,
    line: index + 1,
    product_id: productId,
    quantity,
    removed_at: null,
  }))
  await stock
    .insertInto('stock_reservation')
    .values(reservations)
    .onConflict((conflict) => conflict.columns(['order_id', 'line']).doNothing())
    .execute()
}

async function remove(stock: Transaction<StockTables>, { orderId, shippedAt }: OrderShipped['data']): Promise<void> {
  const { numUpdatedRows } = await stock
    .updateTable('stock_reservation')
    .set({ removed_at: shippedAt })
    .where('order_id', '=', orderId)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n) throw new Error(`Order ${orderId} left the house before its items were reserved.`)
}
