/** Hands a shipped order to the carrier. */
import { defineHandler } from '../../../src/index.ts'
import { shop } from '../database.ts'
import { recordRun } from '../ledger.ts'
import { OrderShipped } from '../orders/events.ts'
import type { CargoTables } from './tables.ts'

const cargo = shop.db.$extendTables<CargoTables>()

export const sendParcel = defineHandler('cargo.send-parcel', {
  on: OrderShipped,
  async handle(event, context) {
    await recordRun(
      { handler: 'cargo.send-parcel', event, context },
      cargo
        .insertInto('cargo_parcel')
        .values({ order_id: event.data.orderId, sent_at: event.data.shippedAt })
        .onConflict((conflict) => conflict.column('order_id').doNothing()),
    )
  },
})
