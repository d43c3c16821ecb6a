/** `npm run example:projection`: a read model that is added after its events were published, and is then built a second time. */
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import { createBus, printSignals, type Bus } from '../../src/index.ts'
import { runExample, type ExamplePlace } from '../run-example.ts'
import { addToTurnover, OrderPlaced, TABLES, type Tables } from './turnover.ts'

const HANDLER = 'reports.add-to-turnover'

await runExample({ schema: 'projection_shop', tables: TABLES, story })

async function story({ connectionString, schemas, tell }: ExamplePlace): Promise<void> {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString, max: 20 }) }) })
  let [old, live] = [0, 0]
  const settings = { connectionString, ...schemas, onSignal: printSignals('error') }
  const first = createBus({ ...settings, events: [OrderPlaced] })
  const bus = createBus({
    ...settings,
    handlers: [addToTurnover((isReplay) => void (isReplay ? (old += 1) : (live += 1)))],
    transaction: (work) => db.transaction().execute(work),
  })
  const totals = async () => lineOf(await db.selectFrom('projection_shop.turnover').selectAll().execute())
  try {
    await first.migrate()
    const { events } = await first.publish([order('ada', 40), order('bob', 7), order('ada', 2), order('bob', 3)])
    tell('four orders are published, and no handler is there')

    await bus.migrate()
    await bus.drain()
    tell(`the handler is added with a backfill: ${await totals()}`)

    await bus.publish([order('ada', 100), order('eve', 5)])
    await bus.drain()
    tell(`two more orders: ${await totals()} (${old} from before the handler was there, ${live} since)`)

    await db.updateTable('projection_shop.turnover').set({ total: 0 }).where('customer', '=', 'ada').execute()
    tell(`a mistake in the table: ${await totals()}`)

    const act = { by: 'ada', reason: 'the table was wrong' }
    await bus.pause({ handler: HANDLER }, act) // running workers leave the table alone from now on
    await db.deleteFrom('projection_shop.turnover').execute()
    await bus.log.rewind({ handler: HANDLER, to: events[0]!.id }, act)
    await bus.resume({ handler: HANDLER }, act)
    await bus.drain()
    tell(`built again from the log: ${await totals()}`)
    tell(`the events themselves say: ${await fromEvents(bus)}`)
    tell((await totals()) === (await fromEvents(bus)) ? 'they agree' : 'they differ')
  } finally {
    await bus.close()
    await first.close()
    await db.destroy()
  }
}

function order(customer: string, total: number) {
  return OrderPlaced({ customer, total })
}

async function fromEvents(bus: Bus): Promise<string> {
  const { events } = await bus.events.list({ type: OrderPlaced.type, limit: 1_000 })
  const data = events.flatMap((event) => (OrderPlaced.is(event) ? [event.data] : []))
  const customers = [...Map.groupBy(data, ({ customer }) => customer)]
  return lineOf(
    customers.map(([customer, orders]) => ({ customer, total: orders.reduce((sum, { total }) => sum + total, 0) })),
  )
}

function lineOf(rows: readonly { readonly customer: string; readonly total: number }[]): string {
  return rows
    .map(({ customer, total }) => `${customer} ${total}`)
    .toSorted()
    .join(', ')
}
