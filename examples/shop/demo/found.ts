/** The contents of the database after a run, read from every source: events, deliveries, dead letters, modules, ledger. */
import { sql } from 'kysely'
import type { Bus, DeadLetter } from '../../../src/index.ts'
import { SHOP_SCHEMA, shop } from '../database.ts'
import { BUS_SCHEMAS } from '../postbus.config.ts'
import { Stopped } from './stopped.ts'

/** What the deliveries say about one handler. */
interface FoundJobs {
  readonly handler: string
  readonly completed: number
  readonly failed: number
  readonly live: number
  /** The number of errors of attempts that are kept with the deliveries. */
  readonly errors: number
}

/** The successful runs of one handler for one event. */
interface FoundRuns {
  readonly handler: string
  readonly eventType: string
  readonly orderId: string
  readonly eventId: string
  readonly runs: number
  /** The position of the first run among all runs. */
  readonly first: number
}

export interface Found {
  readonly orderIds: readonly string[]
  /** The number of events of each type. */
  readonly events: ReadonlyMap<string, number>
  /** The orders that have events, whether the orders module knows them or not. */
  readonly ordersWithEvents: readonly string[]
  readonly jobs: readonly FoundJobs[]
  readonly runs: readonly FoundRuns[]
  readonly deadLetters: readonly DeadLetter[]
  readonly tables: FoundInTables
}

export interface FoundInTables {
  readonly invoices: number
  readonly invoicedCents: number
  readonly ordersReserved: number
  readonly unitsReserved: number
  readonly unitsRemoved: number
  readonly couriers: number
  readonly parcels: number
  readonly messages: number
}

/** @throws {Stopped} when no demo has run in this database. */
export async function readFound(bus: Bus): Promise<Found> {
  await checkThereIsSomething()
  const events = await readEvents()
  return {
    orderIds: await readOrderIds(),
    events: new Map([...Map.groupBy(events, ({ type }) => type)].map(([type, list]) => [type, list.length])),
    ordersWithEvents: [...new Set(events.map(({ orderId }) => orderId))],
    jobs: await readJobs(),
    runs: await readRuns(),
    deadLetters: (await bus.deadLetters.list({ limit: 1_000 })).deadLetters,
    tables: await readTables(),
  }
}

async function checkThereIsSomething(): Promise<void> {
  const event = `${BUS_SCHEMAS.schema}.event`
  const { rows } = await sql<{ found: boolean }>`select to_regclass(${event}) is not null as found`.execute(shop.db)
  if (rows[0]?.found !== true) throw new Stopped('There is nothing to check: no demo has run in this database.')
}

async function readOrderIds(): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`select order_id as id from ${shopTable('orders_order')}`.execute(shop.db)
  return rows.map(({ id }) => id)
}

async function readEvents() {
  const event = sql.table(`${BUS_SCHEMAS.schema}.event`)
  const query = sql<{ type: string; orderId: string }>`select type, partition_key as "orderId" from ${event}`
  return (await query.execute(shop.db)).rows
}

async function readJobs(): Promise<readonly FoundJobs[]> {
  const { rows } = await sql<FoundJobs>`
    select handler,
      (count(*) filter (where state = 'done'))::integer as completed,
      (count(*) filter (where state = 'dead'))::integer as failed,
      (count(*) filter (where state not in ('done', 'dead')))::integer as live,
      sum(jsonb_array_length(errors))::integer as errors
    from ${sql.table(`${BUS_SCHEMAS.schema}.deliveries`)}() as delivery
    group by 1`.execute(shop.db)
  return rows
}

async function readRuns(): Promise<readonly FoundRuns[]> {
  const { rows } = await sql<FoundRuns>`
    select handler, event_type as "eventType", order_id as "orderId", event_id as "eventId",
      count(*)::integer as runs, min(run)::integer as first
    from ${shopTable('ledger_run')}
    group by handler, event_type, order_id, event_id`.execute(shop.db)
  return rows
}

async function readTables(): Promise<FoundInTables> {
  const { rows } = await sql<FoundInTables>`
    select
      (select count(*)::integer from ${shopTable('finances_invoice')}) as invoices,
      (select coalesce(sum(cents), 0)::integer from ${shopTable('finances_invoice')}) as "invoicedCents",
      (select count(distinct order_id)::integer from ${shopTable('stock_reservation')}) as "ordersReserved",
      (select coalesce(sum(quantity), 0)::integer from ${shopTable('stock_reservation')}) as "unitsReserved",
      (select coalesce(sum(quantity), 0)::integer from ${shopTable('stock_reservation')}
        where removed_at is not null) as "unitsRemoved",
      (select count(*)::integer from ${shopTable('cargo_courier')}) as couriers,
      (select count(*)::integer from ${shopTable('cargo_parcel')}) as parcels,
      (select count(*)::integer from ${shopTable('email_message')}) as messages`.execute(shop.db)
  const [counts] = rows
  if (!counts) throw new Error('The shop has no tables.')
  return counts
}

function shopTable(name: string) {
  return sql.table(`${SHOP_SCHEMA}.${name}`)
}
