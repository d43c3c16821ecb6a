/** Payments and stock. Each does its part when an event says that it is its turn, and says by an event how that ended. */
import type { Transaction } from 'kysely'
import { defineHandler, discard, failed } from '../../src/index.ts'
import type { Tell } from '../run-example.ts'
import { OrderPlaced, PaymentRefunded, PaymentTaken, ReservationFailed, StockReserved } from './events.ts'
import type { Tables } from './orders.ts'

export function services(tell: Tell) {
  const provider = busyProvider()

  // It cannot be rolled back, so the provider is given the same idempotency key at each attempt.
  const charge = defineHandler('payments.charge', {
    on: OrderPlaced,
    transactional: true,
    backoff: { initialMs: 100 },
    async handle({ data: { orderId, sku, amount, currency } }, { deliveryId, publish }) {
      if (currency !== 'eur') return discard(`the provider takes no ${currency}`) // never works: for a person to look at
      if (!provider.accepts(deliveryId)) return failed('the provider is busy') // works later: again, with backoff
      tell(`payments: ${orderId} is charged ${amount} ${currency}`)
      return publish(PaymentTaken({ orderId, sku, paymentId: deliveryId }))
    },
  })

  const reserve = defineHandler('stock.reserve', {
    on: PaymentTaken,
    transactional: true,
    async handle({ data: { orderId, sku, paymentId } }, { tx, publish }) {
      const { numUpdatedRows } = await (tx as Transaction<Tables>)
        .updateTable('saga_shop.stock')
        .set((row) => ({ quantity: row('quantity', '-', 1) }))
        .where('sku', '=', sku)
        .where('quantity', '>', 0)
        .executeTakeFirst()
      if (numUpdatedRows === 1n) return publish(StockReserved({ orderId }))
      // The handler has not failed. It has found out something, which is an event.
      tell(`stock: there is no ${sku} for ${orderId}`)
      return publish(ReservationFailed({ orderId, paymentId, reason: `there is no ${sku}` }))
    },
  })

  const refund = defineHandler('payments.refund', {
    on: ReservationFailed,
    transactional: true,
    maxAttempts: 20, // a compensation is not given up lightly
    backoff: { initialMs: 100 },
    async handle({ data: { orderId, reason } }, { deliveryId, publish }) {
      if (!provider.accepts(deliveryId)) return failed('the provider is busy')
      tell(`payments: ${orderId} is refunded, because ${reason}`)
      return publish(PaymentRefunded({ orderId, reason }))
    },
  })
  return [charge, reserve, refund]
}

/** Stands for a payment provider. It is busy whenever it hears of something for the first time. */
function busyProvider() {
  const heardOf = new Set<string>()
  return {
    accepts(idempotencyKey: string): boolean {
      const isKnown = heardOf.has(idempotencyKey)
      heardOf.add(idempotencyKey)
      return isKnown
    },
  }
}
