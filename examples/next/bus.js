/** The bus of a Next application: it publishes only. Handlers run in a worker elsewhere, `postbus worker`. */
import { createBus, defineEvent } from 'postbus'
import { Pool } from 'pg'
import { z } from 'zod'

export const OrderCreated = defineEvent('orders.order-created', {
  schema: z.object({ orderId: z.string().min(1), sku: z.string().min(1) }),
  partitionKey: ({ orderId }) => orderId,
})

// One for the process: in development Next loads this file again after each change, and each time would open a pool of its own.
export function shop() {
  return (globalThis.shop ??= makeShop())
}

function makeShop() {
  const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 5 })
  return { pool, bus: createBus({ pool, events: [OrderCreated] }) }
}
