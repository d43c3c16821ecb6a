/** A shop on Express, with plain pg: one function runs a request in a transaction, and replies after the commit. */
import { randomUUID } from 'node:crypto'
import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import { Pool, type PoolClient } from 'pg'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type Bus } from '../../src/index.ts'

const NewOrder = z.object({ orderId: z.string().min(1), sku: z.string().min(1) })

const OrderCreated = defineEvent('orders.order-created', {
  schema: NewOrder,
  partitionKey: ({ orderId }) => orderId,
})

export interface Shop {
  readonly app: Express
  readonly bus: Bus
  close(): Promise<void>
}

export async function createShop(connectionString: string): Promise<Shop> {
  const pool = new Pool({ connectionString, max: 5 })
  const confirm = defineHandler('letters.confirm', {
    on: OrderCreated,
    // A handler that is not transactional may run twice for one event. Here the second run changes nothing.
    async handle({ data }) {
      await pool.query('update express_shop.orders set confirmed = true where id = $1', [data.orderId])
    },
  })
  const bus = createBus({
    pool,
    handlers: [confirm],
  })
  await bus.migrate()
  await pool.query('create schema if not exists express_shop')
  await pool.query(
    'create table if not exists express_shop.orders (id text primary key, sku text not null, confirmed boolean not null)',
  )

  const app = express()
  // After the body parser, which loses the async context of its caller.
  app.use(express.json(), (request, _response, next) => {
    bus.withContext({ correlationId: request.get('x-request-id') ?? randomUUID(), source: 'shop' }, next)
  })

  app.post(
    '/orders',
    inTransaction(pool, async (request, tx) => {
      const { success, data } = NewOrder.safeParse(request.body)
      if (!success) return { status: 400, body: { error: 'expected { orderId, sku }' } }
      await tx.query('insert into express_shop.orders values ($1, $2, false)', [data.orderId, data.sku])
      const { events } = await bus.publish(OrderCreated(data), { tx })
      return { status: 201, body: { eventId: events[0]?.id } }
    }),
  )

  app.get('/orders/:id', async ({ params }: Request<{ id: string }>, response) => {
    const { rows } = await pool.query('select id, sku, confirmed from express_shop.orders where id = $1', [params.id])
    response.status(rows.length > 0 ? 200 : 404).json(rows[0] ?? { error: 'no such order' })
  })

  const worker = bus.worker()
  await worker.start()
  return {
    app,
    bus,
    async close() {
      await worker.stop()
      await bus.close()
      await pool.end()
    },
  }
}

interface Reply {
  readonly status: number
  readonly body: object
}

/** Commits before it replies. Rolls back after an error, and for a status of 400 or above. */
function inTransaction(pool: Pool, serve: (request: Request, tx: PoolClient) => Promise<Reply>): RequestHandler {
  return async (request, response: Response) => {
    const tx = await pool.connect()
    try {
      await tx.query('begin')
      const { status, body } = await serve(request, tx)
      await tx.query(status < 400 ? 'commit' : 'rollback')
      response.status(status).json(body)
    } catch (error) {
      await tx.query('rollback')
      throw error // Express 5 passes it to the error handler
    } finally {
      tx.release()
    }
  }
}
