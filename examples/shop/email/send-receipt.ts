/** Sends a receipt for every order. When the mail server is busy, the attempt fails, and the next one succeeds. */
import { defineHandler, failed } from '../../../src/index.ts'
import { shop } from '../database.ts'
import { recordRun } from '../ledger.ts'
import { OrderCreated } from '../orders/events.ts'
import { isBusyAtFirst } from './mail-server.ts'
import type { EmailTables } from './tables.ts'

const email = shop.db.$extendTables<EmailTables>()

export const sendReceipt = defineHandler('email.send-receipt', {
  on: OrderCreated,
  priority: 5,
  backoff: { initialMs: 200, factor: 2 },
  async handle(event, context) {
    const { orderId, customerName, totalCents } = event.data
    if (context.attempt === 1 && isBusyAtFirst(orderId)) return failed('The mail server is busy.')

    const subject = `Your order ${orderId} over $${(totalCents / 100).toFixed(2)}`
    return recordRun(
      { handler: 'email.send-receipt', event, context },
      email
        .insertInto('email_message')
        .values({ order_id: orderId, recipient: customerName, subject })
        .onConflict((conflict) => conflict.column('order_id').doNothing()),
    )
  },
})
