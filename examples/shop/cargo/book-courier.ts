/** Books a courier for orders that go out on the same day. Other orders get no delivery. */
import { defineHandler } from '../../../src/index.ts'
import { shop } from '../database.ts'
import { recordRun } from '../ledger.ts'
import { OrderCreated } from '../orders/events.ts'
import type { CargoTables } from './tables.ts'

const cargo = shop.db.$extendTables<CargoTables>()

export const bookCourier = defineHandler('cargo.book-courier', {
  on: OrderCreated,
  interested: (event) => event.data.shipMode === 'Same Day',
  async handle(event, context) {
    await recordRun(
      { handler: 'cargo.book-courier', event, context },
      cargo
        .insertInto('cargo_courier')
        .values({ order_id: event.data.orderId, pick_up_at: event.data.placedAt })
        .onConflict((conflict) => conflict.column('order_id').doNothing()),
    )
  },
})
