/** `npm run example:saga`: one order succeeds, one is compensated, and one becomes a dead letter for a person to handle. */
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import { createBus, printSignals, type EventBranch } from '../../src/index.ts'
import { runExample, type ExamplePlace, type Tell } from '../run-example.ts'
import { OrderCancelled, OrderConfirmed } from './events.ts'
import { followOrder, placeOrder, TABLES, type Tables } from './orders.ts'
import { services } from './services.ts'

await runExample({ schema: 'saga_shop', tables: TABLES, story })

async function story({ connectionString, schemas, tell }: ExamplePlace): Promise<void> {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString, max: 20 }) }) })
  const bus = createBus({
    connectionString,
    ...schemas,
    events: [OrderConfirmed, OrderCancelled],
    handlers: [followOrder, ...services(tell)],
    transaction: (work) => db.transaction().execute(work),
    onSignal: printSignals('error'),
  })
  try {
    await bus.migrate()
    const worker = bus.worker()
    await worker.start()

    for (const [orderId, sku, currency] of [
      ['o-1', 'tea', 'eur'],
      ['o-2', 'cup', 'eur'],
      ['o-3', 'tea', 'shells'],
    ] as const) {
      const id = await placeOrder(db, bus, { orderId, sku, amount: 42, currency })
      await bus.events.whenFinished(id, { includeCaused: true })
      const order = await db.selectFrom('saga_shop.orders').selectAll().where('id', '=', orderId).executeTakeFirst()
      tell(`${orderId} is ${order?.state}`)
      const tree = order?.state === 'cancelled' ? await bus.events.tree(id) : null
      if (tree) draw(tree, tell)
    }
    await worker.stop()

    tell(`${await bus.events.count({ correlationId: 'order o-2' })} events have the correlation id "order o-2"`)
    const { deadLetters } = await bus.deadLetters.list()
    for (const { handler, partitionKey, attempts, reason } of deadLetters)
      tell(`dead ${attempts.length === 0 ? 'at once' : 'in the end'}: ${handler} of ${partitionKey}: ${reason}`)
  } finally {
    await bus.close()
    await db.destroy()
  }
}

function draw({ event, caused }: EventBranch, tell: Tell, depth = 0): void {
  const by = event.causedByHandler === null ? '' : ` by ${event.causedByHandler}`
  tell(`  ${'  '.repeat(depth)}${event.type}${by}`)
  for (const branch of caused) draw(branch, tell, depth + 1)
}
