/** A shop on Prisma: an order and its event are one commit, and so are a handler's writes and the end of its delivery. */
import { z } from 'zod'
import { defineEvent, defineHandler, type Bus } from '../../src/index.ts'
import type { Tell } from '../run-example.ts'
import type { Prisma, PrismaClient } from './client/client.ts'

export const OrderPlaced = defineEvent('orders.order-placed', {
  schema: z.object({ id: z.string(), customer: z.string(), total: z.int() }),
  partitionKey: (order) => order.customer,
})

export function placeOrder(prisma: PrismaClient, bus: Bus, order: Prisma.OrderCreateInput): Promise<void> {
  return prisma.$transaction(async (tx) => {
    await tx.order.create({ data: order })
    await bus.publish(OrderPlaced(order), { tx })
    if (order.total > 1_000) throw new Error('it is over the limit') // rolls back both the order and its event
  })
}

/** Adds points to a sum, which is wrong if an event is added twice or not at all. */
export function addPoints(tell: Tell) {
  return defineHandler('loyalty.add-points', {
    on: OrderPlaced,
    transactional: true,
    timeoutMs: 4_000, // below the 5 s after which Prisma ends a transaction
    backoff: { initialMs: 100 },
    async handle({ data: { id, customer, total } }, { tx, attempt }) {
      await (tx as Prisma.TransactionClient).loyalty.upsert({
        where: { customer },
        create: { customer, points: total },
        update: { points: { increment: total } },
      })
      if (id === 'o-1' && attempt === 1) {
        tell(`attempt 1 for ${id} adds ${total} points and fails: rolled back`)
        throw new Error('the first attempt fails, to show what becomes of its writes')
      }
      tell(`attempt ${attempt} for ${id} adds ${total} points`)
    },
  })
}
