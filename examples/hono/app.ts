/** A shop on Hono, with postgres.js: on Node, and as a web `fetch` handler anywhere else. */
import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import postgres from 'postgres'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type Bus } from '../../src/index.ts'

const NewOrder = z.object({ orderId: z.string().min(1), sku: z.string().min(1) })

const OrderCreated = defineEvent('orders.order-created', {
  schema: NewOrder,
  partitionKey: ({ orderId }) => orderId,
})

export interface Shop {
  readonly app: Hono
  readonly bus: Bus
  close(): Promise<void>
}

export async function createShop(connectionString: string): Promise<Shop> {
  const sql = postgres(connectionString, { max: 5, onnotice: () => undefined })
  const confirm = defineHandler('letters.confirm', {
    on: OrderCreated,
    // A handler that is not transactional may run twice for one event. Here the second run changes nothing.
    async handle({ data }) {
      await sql`update hono_shop.orders set confirmed = true where id = ${data.orderId}`
    },
  })
  const bus = createBus({
    connectionString,
    handlers: [confirm],
  })
  await bus.migrate()
  await sql`create schema if not exists hono_shop`
  await sql`create table if not exists hono_shop.orders
    (id text primary key, sku text not null, confirmed boolean not null)`

  const app = new Hono()
  app.use((c, next) => bus.withContext({ correlationId: c.req.header('x-request-id') ?? randomUUID() }, next))

  app.post('/orders', async (c) => {
    const { success, data } = NewOrder.safeParse(await c.req.json())
    if (!success) return c.json({ error: 'expected { orderId, sku }' }, 400)
    // `begin` resolves after the commit, so the reply is sent after the commit.
    const eventId = await sql.begin(async (tx) => {
      await tx`insert into hono_shop.orders values (${data.orderId}, ${data.sku}, false)`
      const { events } = await bus.publish(OrderCreated(data), { tx })
      return events[0]?.id
    })
    return c.json({ eventId }, 201)
  })

  app.get('/orders/:id', async (c) => {
    const [order] = await sql`select id, sku, confirmed from hono_shop.orders where id = ${c.req.param('id')}`
    return order ? c.json(order) : c.json({ error: 'no such order' }, 404)
  })

  const worker = bus.worker()
  await worker.start()
  return {
    app,
    bus,
    async close() {
      await worker.stop()
      await bus.close()
      await sql.end()
    },
  }
}
