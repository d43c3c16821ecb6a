/**
 * The shop's own connections, separate from the bus's. Everything that the shop stores is in the schema `shop_demo`, apart from everything
 * else in the database. The first connection creates missing tables.
 */
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import { projectDatabase, type ProjectDatabase } from '../../config/database.ts'
import type { Bus } from '../../src/index.ts'
import { cargoTables } from './cargo/tables.ts'
import { emailTables } from './email/tables.ts'
import { financesTables } from './finances/tables.ts'
import { ordersTables } from './orders/tables.ts'
import { stockTables } from './stock/tables.ts'

export const SHOP_SCHEMA = 'shop_demo'

/** Has no tables here: each module adds its own with `$extendTables`, and knows no others. */
type ShopDatabase = Kysely<object>

export interface ShopConnections {
  readonly db: ShopDatabase
  /** The database of this checkout, opened at the first call: importing this file starts nothing. */
  project(): Promise<ProjectDatabase>
  /** Ends the connections. The checkout's own Postgres stops if no other process uses it. */
  close(): Promise<void>
}

/** One per process. It is created here because handlers are defined at the top level of their modules. */
export const shop = openShop()

/** Closing this bus also closes the shop's connections, and releases a Postgres that was started for this process. */
export function closingShop(bus: Bus): Bus {
  return Object.freeze({
    ...bus,
    async close() {
      await bus.close()
      await shop.close()
    },
  })
}

function openShop(): ShopConnections {
  let found: Promise<ProjectDatabase> | undefined
  const project = () => (found ??= projectDatabase())
  const pool = async () => openPool((await project()).connectionString)
  const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) }).withSchema(SHOP_SCHEMA)
  return {
    db,
    project,
    async close() {
      await db.destroy()
      const joined = await found?.catch(() => undefined)
      await joined?.release()
    },
  }
}

async function openPool(connectionString: string): Promise<Pool> {
  const pool = new Pool({ connectionString, max: 8, connectionTimeoutMillis: 10_000, application_name: 'shop' })
  pool.on('error', () => undefined) // the pool replaces an idle connection that breaks
  await pool.query(createTables)
  return pool
}

/** Sent as one message, so it is one transaction. The lock is for processes that start at the same moment. */
const createTables = `
  select pg_advisory_xact_lock(hashtextextended('${SHOP_SCHEMA}', 0));
  create schema if not exists ${SHOP_SCHEMA};
  set local search_path to ${SHOP_SCHEMA};
  ${[ordersTables, financesTables, stockTables, cargoTables, emailTables].join('\n')}
  create table if not exists ledger_run (
    run bigint generated always as identity primary key,
    handler text not null,
    event_id uuid not null,
    event_type text not null,
    order_id text,
    delivery_id uuid not null,
    attempt integer not null,
    ran_at timestamptz not null default clock_timestamp()
  )`
