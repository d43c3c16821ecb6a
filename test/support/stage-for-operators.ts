/** A small shop in trouble, for tests of the operator page: receipts that fail, a key that is blocked, and events that wait behind it. */
import { z } from 'zod'
import { defineEvent, defineHandler, type AnyHandler } from '../../src/index.ts'

export const OrderPlaced = defineEvent('orders.order-placed', {
  schema: z.object({
    order: z.string(),
    email: z.string().default('anna@example.org'),
    total: z.bigint().default(42n),
  }),
  partitionKey: ({ order }) => `order-${order}`,
})

export const PageViewed = defineEvent('web.page-viewed', { schema: z.object({ page: z.string() }) })

/** What is broken at the moment. The handlers look here. */
export interface Trouble {
  isMailDown: boolean
  isStockWrong: boolean
}

export function handlersIn(trouble: Trouble): readonly AnyHandler[] {
  return [
    defineHandler('mail.receipt', {
      on: OrderPlaced,
      ordered: false,
      maxAttempts: 2,
      backoff: () => 0,
      handle: ({ data }) => {
        if (trouble.isMailDown) throw Object.assign(new Error(`${data.email} was refused`), { code: 'ECONNREFUSED' })
      },
    }),
    defineHandler('stock.reserve', {
      on: OrderPlaced,
      maxAttempts: 1,
      onDead: 'block',
      handle: () => {
        if (trouble.isStockWrong) throw new TypeError('no such article')
      },
    }),
    defineHandler('web.count', { on: PageViewed, handle: () => undefined }),
  ]
}
