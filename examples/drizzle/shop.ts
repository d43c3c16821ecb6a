/** A shop on Drizzle: an order and its event are one commit, and so are a handler's writes and the end of its delivery. */
import { sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { integer, pgSchema, text } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { defineEvent, defineHandler, type Bus } from '../../src/index.ts'
import type { Tell } from '../run-example.ts'

type Tx = Parameters<Parameters<NodePgDatabase['transaction']>[0]>[0]

const schema = pgSchema('drizzle_shop')
const customer = () => text('customer')

export const orders = schema.table('orders', {
  id: text('id').primaryKey(),
  customer: customer().notNull(),
  total: integer('total').notNull(),
})
export const loyalty = schema.table('loyalty', {
  customer: customer().primaryKey(),
  points: integer('points').notNull(),
})

export type Order = typeof orders.$inferInsert

export const OrderPlaced = defineEvent('orders.order-placed', {
  schema: z.object({ id: z.string(), customer: z.string(), total: z.int() }),
  partitionKey: (order) => order.customer,
})

export function placeOrder(db: NodePgDatabase, bus: Bus, order: Order): Promise<void> {
  return db.transaction(async (tx) => {
    await tx.insert(orders).values(order)
    await bus.publish(OrderPlaced(order), { tx })
    if (order.total > 1_000) throw new Error('it is over the limit') // rolls back both the order and its event
  })
}

/** Adds points to a sum, which is wrong if an event is added twice or not at all. */
export function addPoints(tell: Tell) {
  return defineHandler('loyalty.add-points', {
    on: OrderPlaced,
    transactional: true,
    backoff: { initialMs: 100 },
    async handle({ data }, { tx, attempt }) {
      const added = { points: sql`${loyalty.points} + ${data.total}` }
      await (tx as Tx)
        .insert(loyalty)
        .values({ customer: data.customer, points: data.total })
        .onConflictDoUpdate({ target: loyalty.customer, set: added })
      if (data.id === 'o-1' && attempt === 1) {
        tell(`attempt 1 for ${data.id} adds ${data.total} points and fails: rolled back`)
        throw new Error('the first attempt fails, to show what becomes of its writes')
      }
      tell(`attempt ${attempt} for ${data.id} adds ${data.total} points`)
    },
  })
}
