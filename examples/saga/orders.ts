/** The orders: the state of each order in the process is one row of one table. */
import type { Kysely, Transaction } from 'kysely'
import { defineHandler, discard, type Bus, type EventOf } from '../../src/index.ts'
import { OrderCancelled, OrderConfirmed, OrderPlaced, PaymentRefunded, PaymentTaken, StockReserved } from './events.ts'

type State = 'placed' | 'paid' | 'confirmed' | 'cancelled'

export interface Tables {
  'saga_shop.orders': { id: string; state: State }
  'saga_shop.stock': { sku: string; quantity: number }
}

export const TABLES = `
  create table saga_shop.orders (id text primary key, state text not null);
  create table saga_shop.stock (sku text primary key, quantity integer not null);
  insert into saga_shop.stock values ('tea', 1), ('cup', 0)`

/** Returns the id of the event that begins the process. */
export function placeOrder(db: Kysely<Tables>, bus: Bus, order: EventOf<typeof OrderPlaced>['data']): Promise<string> {
  return db.transaction().execute(async (tx) => {
    await tx.insertInto('saga_shop.orders').values({ id: order.orderId, state: 'placed' }).execute()
    const event = OrderPlaced(order, { correlationId: `order ${order.orderId}` }) // the events that it causes carry the same id
    await bus.publish(event, { tx })
    return event.id
  })
}

/** Commits the new state, the event that follows from it, and the end of the delivery together. */
export const followOrder = defineHandler('orders.follow', {
  on: [PaymentTaken, StockReserved, PaymentRefunded],
  transactional: true,
  async handle({ type, data }, { tx, publish }) {
    const { orderId } = data
    const move = async (from: State, to: State) => {
      const update = (tx as Transaction<Tables>).updateTable('saga_shop.orders').set({ state: to })
      const { numUpdatedRows } = await update.where('id', '=', orderId).where('state', '=', from).executeTakeFirst()
      return numUpdatedRows === 1n
    }
    switch (type) {
      case 'payments.payment-taken':
        return (await move('placed', 'paid')) ? undefined : unexpected(orderId, type)
      case 'stock.stock-reserved':
        if (!(await move('paid', 'confirmed'))) return unexpected(orderId, type)
        return publish(OrderConfirmed({ orderId }))
      case 'payments.payment-refunded':
        if (!(await move('paid', 'cancelled'))) return unexpected(orderId, type)
        return publish(OrderCancelled({ orderId, reason: data.reason }))
    }
  },
})

/** Discards the event, because another attempt would find the same state. */
function unexpected(orderId: string, type: string) {
  return discard(`order ${orderId} is in no state for ${type}`)
}
