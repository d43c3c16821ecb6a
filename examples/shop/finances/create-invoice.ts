/** Invoices every order of at least one dollar. One order can never be invoiced: it becomes a dead letter and delays no other order. */
import { defineHandler } from '../../../src/index.ts'
import { shop } from '../database.ts'
import { recordRun } from '../ledger.ts'
import { OrderCreated } from '../orders/events.ts'
import type { FinancesTables } from './tables.ts'

/** This order fails at every attempt. */
export const UNBILLABLE_ORDER = 'CA-2014-162775'

const PAYMENT_TERM_MS = 30 * 86_400_000

const finances = shop.db.$extendTables<FinancesTables>()

export const createInvoice = defineHandler('finances.create-invoice', {
  on: OrderCreated,
  interested: (event) => event.data.totalCents >= 100,
  maxAttempts: 4,
  backoff: { initialMs: 100, factor: 2 },
  async handle(event, context) {
    const { orderId, customerId, totalCents, placedAt } = event.data
    if (orderId === UNBILLABLE_ORDER) throw new Error(`The tax number of customer ${customerId} is not valid.`)

    const invoice = {
      order_id: orderId,
      customer_id: customerId,
      cents: totalCents,
      due_at: new Date(placedAt.getTime() + PAYMENT_TERM_MS),
    }
    await recordRun(
      { handler: 'finances.create-invoice', event, context },
      finances
        .insertInto('finances_invoice')
        .values(invoice)
        .onConflict((conflict) => conflict.column('order_id').doNothing()),
    )
  },
})
