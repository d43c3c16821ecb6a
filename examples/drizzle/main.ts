/** `npm run example:drizzle`: two orders, one that is rolled back, and a handler whose first attempt fails after it has written. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { Pool } from 'pg'
import { createBus, printSignals } from '../../src/index.ts'
import { runExample, type ExamplePlace } from '../run-example.ts'
import { addPoints, loyalty, orders, placeOrder } from './shop.ts'

await runExample({
  schema: 'drizzle_shop',
  tables: `
    create table drizzle_shop.orders (id text primary key, customer text not null, total integer not null);
    create table drizzle_shop.loyalty (customer text primary key, points integer not null)`,
  story,
})

async function story({ connectionString, schemas, tell }: ExamplePlace): Promise<void> {
  const pool = new Pool({ connectionString, max: 10 })
  const db = drizzle(pool)
  const bus = createBus({
    connectionString,
    ...schemas,
    handlers: [addPoints(tell)],
    transaction: (work) => db.transaction(work),
    onSignal: printSignals('error'),
  })
  try {
    await bus.migrate()
    const worker = bus.worker()
    await worker.start()

    for (const order of [
      { id: 'o-1', customer: 'ada', total: 40 },
      { id: 'o-2', customer: 'ada', total: 4_000 },
      { id: 'o-3', customer: 'ada', total: 2 },
    ]) {
      const refused = await placeOrder(db, bus, order).then(
        () => null,
        (error: Error) => error.message,
      )
      tell(refused ? `${order.id} is refused: ${refused}` : `${order.id} is placed`)
    }
    const { events } = await bus.events.list({ first: 'oldest' })
    for (const { id } of events) await bus.events.whenFinished(id)
    await worker.stop()

    const ids = (await db.select().from(orders)).map(({ id }) => id)
    tell(`orders: ${ids.toSorted().join(', ')}; events: ${events.length}`)
    for (const { customer, points } of await db.select().from(loyalty)) tell(`${customer} has ${points} points`)
  } finally {
    await bus.close()
    await pool.end()
  }
}
