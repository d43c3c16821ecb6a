/** A shop on Fastify, with Kysely: the order and its event are one commit, before the reply is sent. */
import { randomUUID } from 'node:crypto'
import fastify, { type FastifyInstance } from 'fastify'
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import { Pool } from 'pg'
import { z } from 'zod'
import { postbusFastify } from '../../src/fastify/index.ts'
import { createBus, defineEvent, defineHandler, type Bus } from '../../src/index.ts'

interface Tables {
  'fastify_shop.orders': { id: string; sku: string; confirmed: boolean }
}

const NewOrder = z.object({ orderId: z.string().min(1), sku: z.string().min(1) })

export const OrderCreated = defineEvent('orders.order-created', {
  schema: NewOrder,
  partitionKey: ({ orderId }) => orderId,
})

export interface Shop {
  readonly app: FastifyInstance
  readonly bus: Bus
}

export async function createShop(connectionString: string): Promise<Shop> {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString, max: 5 }) }) })
  const confirm = defineHandler('letters.confirm', {
    on: OrderCreated,
    transactional: true, // the order is confirmed exactly once
    async handle({ data }, { tx }) {
      const update = (tx as Transaction<Tables>).updateTable('fastify_shop.orders')
      await update.set({ confirmed: true }).where('id', '=', data.orderId).execute()
    },
  })
  const bus = createBus({
    connectionString,
    handlers: [confirm],
    transaction: (work) => db.transaction().execute(work),
  })
  await bus.migrate()
  await sql`create schema if not exists fastify_shop`.execute(db)
  await sql`create table if not exists fastify_shop.orders
    (id text primary key, sku text not null, confirmed boolean not null)`.execute(db)

  const app = fastify({ requestIdHeader: 'x-request-id', genReqId: () => randomUUID() })
  app.addHook('onClose', () => db.destroy()) // runs after the worker has stopped: these hooks run in reverse order
  await app.register(postbusFastify, {
    bus,
    worker: true,
    closeBus: true,
    context: ({ id }) => ({ correlationId: id }),
  })

  app.post('/orders', { config: { transaction: true } }, async (request, reply) => {
    const { success, data } = NewOrder.safeParse(request.body)
    if (!success) return reply.code(400).send({ error: 'expected { orderId, sku }' }) // and the transaction is rolled back

    const order = { id: data.orderId, sku: data.sku, confirmed: false }
    await (request.tx as Transaction<Tables>).insertInto('fastify_shop.orders').values(order).execute()
    const { events } = await request.publish(OrderCreated(data))
    return reply.code(201).send({ eventId: events[0]?.id })
  })

  app.get<{ Params: { id: string } }>('/orders/:id', async (request, reply) => {
    const orders = db.selectFrom('fastify_shop.orders').selectAll().where('id', '=', request.params.id)
    return (await orders.executeTakeFirst()) ?? reply.code(404).send({ error: 'no such order' })
  })
  return { app, bus }
}
