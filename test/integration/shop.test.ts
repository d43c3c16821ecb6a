/**
 * The example shop keeps its account: `npm run demo` on its own database, with every number of the table known in advance, and
 * with data removed afterwards to check that the account notices.
 */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/database.ts'

/** Enough orders for two rollbacks, one order too small for an invoice, five messages that are refused, and the poison event. */
const LIMIT = '130'
const demo = resolve(import.meta.dirname, '../../examples/shop/demo.ts')

let database: TestDatabase
let first: Ended

beforeAll(async () => {
  database = await createDatabase()
  await onDatabase(database, 'create schema postbus; create table postbus.event (precious text)')
  first = await runDemo(database)
}, 60_000)
afterAll(() => database.drop())

test('the demo reconciles exactly, and exits with 0', () => {
  // Counted from superstore.csv by another program. Number 50 and number 100 of the orders are declined.
  expect(first.account).toEqual({
    'orders committed': '128: 128 in orders_order',
    'orders rolled back': '2: 2 have no row · 2 have no event',
    'events stored': '256: 256 in postbus_demo.event',
    'orders.order-created': '128: 128',
    'orders.order-shipped': '128: 128',
    'deliveries done': '643: 643 jobs completed · 643 in the ledger',
    'finances.create-invoice': '126: 126 jobs · 126 in the ledger · 126 invoices',
    'stock.keep-stock': '256: 256 jobs · 256 in the ledger',
    'cargo.send-parcel': '128: 128 jobs · 128 in the ledger · 128 parcels',
    'email.send-receipt': '128: 128 jobs · 128 in the ledger · 128 messages',
    'cargo.book-courier': '5: 5 jobs · 5 in the ledger · 5 couriers',
    'cents invoiced': '7,141,777: 7,141,777 in finances_invoice',
    'units of stock': '986: 986 reserved · 986 removed',
    retries: '8: 8 by the errors kept with the jobs',
    'dead letters': '1: 1 in the list · 1 jobs failed',
    unfinished: '0: 0 jobs waiting or running',
    lost: '0: 0 neither done nor dead',
    duplicates: '0: 0 runs beyond the first',
    unexpected: '0: 0 done or dead that should not be',
    'out of order': '0: 0 removed from stock before reserved',
    'workers that ended well': '2: 2 exit codes 0',
  })
  expect(first).toMatchObject({ wrong: [], exitCode: 0 })
})

test('a second demo starts from nothing and gets the same result', async () => {
  const copy = await copyOfDatabase()

  const second = await runDemo(copy)

  expect(second).toMatchObject({ account: first.account, wrong: [], exitCode: 0 })
}, 60_000)

test('the demo does not touch other schemas', async () => {
  const { rows } = await onDatabase(
    database,
    `select column_name from information_schema.columns
    where table_schema = 'postbus' and table_name = 'event'`,
  )

  expect(rows).toEqual([{ column_name: 'precious' }])
})

const sabotages = [
  {
    sabotage: 'a run that never happened',
    sql: `delete from shop_demo.ledger_run where handler = 'email.send-receipt' and run in (
      select min(run) from shop_demo.ledger_run where handler = 'email.send-receipt')`,
    wrong: ['deliveries done', 'email.send-receipt', 'lost'],
  },
  {
    sabotage: 'a run too many',
    sql: `insert into shop_demo.ledger_run (handler, event_id, event_type, order_id, delivery_id, attempt)
      select handler, event_id, event_type, order_id, delivery_id, 2 from shop_demo.ledger_run limit 1`,
    wrong: ['duplicates'],
  },
  {
    sabotage: 'a job that is gone',
    sql: `delete from postbus_demo.history where seq = (select min(seq) from postbus_demo.history
        where handler = (select number from postbus_demo.handler where name = 'cargo.send-parcel'))
      and handler = (select number from postbus_demo.handler where name = 'cargo.send-parcel')`,
    wrong: ['deliveries done', 'cargo.send-parcel'],
  },
  {
    sabotage: 'a dead letter that is gone',
    sql: 'delete from postbus_demo.dead_letter',
    wrong: ['dead letters', 'lost'],
  },
  {
    sabotage: 'an event of an order that was rolled back',
    sql: `update postbus_demo.event set partition_key = 'CA-2014-122567'
      where seq = (select min(seq) from postbus_demo.event)`,
    wrong: ['orders rolled back'],
  },
  {
    sabotage: 'an invoice over another sum',
    sql: `update shop_demo.finances_invoice set cents = cents + 1
      where order_id = (select min(order_id) from shop_demo.finances_invoice)`,
    wrong: ['cents invoiced'],
  },
  {
    sabotage: 'stock that left before it was reserved',
    sql: `update shop_demo.ledger_run set run = default where handler = 'stock.keep-stock'
      and event_type = 'orders.order-created' and order_id = (select min(order_id) from shop_demo.ledger_run)`,
    wrong: ['out of order'],
  },
]

/** Several acts per test, because each reconciliation is a process. Each act must show in its own lines. */
test.each([[[0, 4, 5, 6]], [[1, 2, 3]]])('the account notices these acts of sabotage: %o', async (chosen) => {
  const copy = await copyOfDatabase()
  const acts = chosen.map((place) => sabotages[place]!)
  for (const { sql } of acts) await onDatabase(copy, sql)

  const ended = await runDemo(copy, '--reconcile')

  expect(ended.exitCode).toBe(1)
  expect(new Set(ended.wrong)).toEqual(new Set(acts.flatMap(({ wrong }) => wrong)))
})

interface Ended {
  readonly exitCode: number
  /** The numbers of each line: `expected: found`. */
  readonly account: Readonly<Record<string, string>>
  /** The lines that do not add up. */
  readonly wrong: readonly string[]
}

async function copyOfDatabase(): Promise<TestDatabase> {
  const copy = await createDatabase({ template: database.name })
  onTestFinished(() => copy.drop())
  return copy
}

function runDemo(on: TestDatabase, ...options: readonly string[]): Promise<Ended> {
  const { promise, resolve: ended } = Promise.withResolvers<Ended>()
  const env = { DATABASE_URL: on.connectionString }
  const child = execFile(process.execPath, [demo, '--limit', LIMIT, ...options], { env }, (_error, stdout, stderr) => {
    if (stdout === '') console.error(stderr) // it failed before it printed an account
    const lines = [...stdout.matchAll(/^([✔✖]) +(\S.*?) {2,}([\d,]+) {3}(.+)$/gm)]
    ended({
      exitCode: child.exitCode ?? -1,
      account: Object.fromEntries(lines.map(([, , what = '', expected, found]) => [what, `${expected}: ${found}`])),
      wrong: lines.filter(([, mark]) => mark === '✖').map(([, , what = '']) => what),
    })
  })
  return promise
}

async function onDatabase({ connectionString }: TestDatabase, statement: string) {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    return await client.query(statement)
  } finally {
    await client.end()
  }
}
