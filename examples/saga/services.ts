/** Payments and stock. Each service does its part when an event asks for it, and publishes the result as an event. */
import type { Transaction } from 'kysely'
import { defineHandler, discard, failed } from '../../src/index.ts'
import type { Tell } from '../run-example.ts'
import { OrderPlaced, PaymentRefunded, PaymentTaken, ReservationFailed, StockReserved } from './events.ts'
import type { Tables } from './orders.ts'

export function services(tell: Tell) {
  const provider = busyProvider()

  // A charge cannot be rolled back, so the provider gets the same idempotency key at each attempt.
  const charge = defineHandler('payments.charge', {
    on: OrderPlaced,
    transactional: true,
    backoff: { initialMs: 100 },
    async handle({ data: { orderId, sku, amount, currency } }, { deliveryId, publish }) {
      if (currency !== 'eur') return discard(`the provider takes no ${currency}`) // no attempt can succeed: a person must look at it
      if (!provider.accepts(deliveryId)) return failed('the provider is busy') // a later attempt can succeed: it is made after the backoff
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
      // This is no failure of the handler. It is a result, so it is an event.
      tell(`stock: there is no ${sku} for ${orderId}`)
      return publish(ReservationFailed({ orderId, paymentId, reason: `there is no ${sku}` }))
    },
  })

  const refund = defineHandler('payments.refund', {
    on: ReservationFailed,
    transactional: true,
    maxAttempts: 20, // a compensation gets many attempts before it is given up
    backoff: { initialMs: 100 },
    async handle({ data: { orderId, reason } }, { deliveryId, publish }) {
      if (!provider.accepts(deliveryId)) return failed('the provider is busy')
      tell(`payments: ${orderId} is refunded, because ${reason}`)
      return publish(PaymentRefunded({ orderId, reason }))
    },
  })
  return [charge, reserve, refund]
}

/** A stand-in for a payment provider. It is busy at its first request with each idempotency key. */
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
