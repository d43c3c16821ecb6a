/** `npm run example:prisma`: two orders, one that is rolled back, and a handler whose first attempt fails after it has written. */
import { PrismaPg } from '@prisma/adapter-pg'
import { createBus, printSignals } from '../../src/index.ts'
import { runExample, type ExamplePlace } from '../run-example.ts'
import { PrismaClient } from './client/client.ts'
import { addPoints, placeOrder } from './shop.ts'

await runExample({
  schema: 'prisma_shop',
  tables: `
    create table prisma_shop.orders (id text primary key, customer text not null, total integer not null);
    create table prisma_shop.loyalty (customer text primary key, points integer not null)`,
  story,
})

async function story({ connectionString, schemas, tell }: ExamplePlace): Promise<void> {
  const adapter = new PrismaPg({ connectionString, max: 10 }, { schema: 'prisma_shop' })
  const prisma = new PrismaClient({ adapter })
  const bus = createBus({
    connectionString,
    ...schemas,
    handlers: [addPoints(tell)],
    transaction: (work) => prisma.$transaction((tx) => work(tx)),
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
      const refused = await placeOrder(prisma, bus, order).then(
        () => null,
        (error: Error) => error.message,
      )
      tell(refused ? `${order.id} is refused: ${refused}` : `${order.id} is placed`)
    }
    const { events } = await bus.events.list({ first: 'oldest' })
    for (const { id } of events) await bus.events.whenFinished(id)
    await worker.stop()

    const ids = (await prisma.order.findMany({ orderBy: { id: 'asc' } })).map(({ id }) => id)
    tell(`orders: ${ids.join(', ')}; events: ${events.length}`)
    for (const { customer, points } of await prisma.loyalty.findMany()) tell(`${customer} has ${points} points`)
  } finally {
    await bus.close()
    await prisma.$disconnect()
  }
}
