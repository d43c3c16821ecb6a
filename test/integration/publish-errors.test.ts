/** When the database refuses a publish, the error names the command that fixes it, and nothing is half published. */
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type Bus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { createDatabase } from '../support/database.ts'
import { emptyTables, storedCounts, storedDeliveries, storedEvents } from '../support/stored.ts'

const Paid = defineEvent('finances.paid', {
  schema: z.object({ euro: z.number(), account: z.string().nullable() }),
  partitionKey: (data) => data.account,
})
const book = defineHandler('finances.book', { on: Paid, handle: () => undefined })
const paid = Paid({ euro: 1, account: null })
const OTHER_ID = '00000000-0000-7000-8000-000000000001'

let shop: TestBus
let tx: Client

beforeAll(async () => {
  shop = await openTestBus({ handlers: [book] })
  await shop.database.query('create table orders (id text primary key)')
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  await shop.database.query('truncate orders')
  tx = new Client({ connectionString: shop.connectionString })
  await tx.connect()
  return () => tx.end()
})

describe('a queue that does not exist', () => {
  const audit = defineHandler('finances.audit', { on: Paid, queue: 'audits', handle: () => undefined })
  let bus: Bus

  beforeEach(() => {
    bus = createBus({ connectionString: shop.connectionString, handlers: [book, audit] })
    return () => bus.close()
  })

  test.each([
    { account: null, queue: 'audits' },
    { account: 'NL01', queue: 'audits_partitioned' },
  ])('is named in the error, and the transaction is aborted: $queue', async ({ account, queue }) => {
    await tx.query('begin')
    await tx.query(`insert into orders values ('A1')`)
    const refusal = await bus.publish(Paid({ euro: 2, account }), { tx }).catch((error: unknown) => error)
    const next = await shop.bus.publish(paid, { tx }).catch((error: unknown) => error)
    const end = await tx.query('commit')

    expect(refusal).toMatchObject({ code: 'POSTBUS_QUEUE_MISSING' })
    expect(refusal).toHaveProperty(
      'message',
      `Queue "${queue}" does not exist in this database. Run: npx postbus migrate`,
    )
    expect(next).toMatchObject({ code: 'POSTBUS_TRANSACTION_ABORTED' })
    expect(end.command).toBe('ROLLBACK')
    expect(await storedCounts(shop.database)).toEqual({ events: 0, deliveries: 0 })
  })

  test('also refuses a publish without a transaction, and nothing is stored', async () => {
    await expect(bus.publish(paid)).rejects.toMatchObject({ code: 'POSTBUS_QUEUE_MISSING' })

    expect(await storedCounts(shop.database)).toEqual({ events: 0, deliveries: 0 })
  })
})

test('in a database without our schema, the error names the schema and the command', async () => {
  const database = await createDatabase()
  const bus = createBus({
    connectionString: database.connectionString,
    schema: 'our_events',
    onSignal: () => undefined,
  })

  await expect(bus.publish(paid)).rejects.toMatchObject({
    code: 'POSTBUS_SCHEMA_MISSING',
    message: 'Schema "our_events" is not installed in this database. Run: npx postbus migrate',
  })
  await bus.close()
  await database.drop()
})

test('if the publish function is older than the code, the error says so, and nothing is stored', async () => {
  const old = await openTestBus({ handlers: [book] })
  await old.database.query(`
    create or replace function postbus.publish(batch text)
    returns table (id uuid, deliveries integer, duplicate boolean) language plpgsql as $$
    begin
      raise exception using errcode = 'PB001', message = 'Schema "postbus" is older than the code that publishes.';
    end $$`)

  const refusal = await old.bus.publish(paid).catch((error: unknown) => error)

  expect(refusal).toMatchObject({
    code: 'POSTBUS_SCHEMA_OUTDATED',
    message: 'Schema "postbus" is older than the code that publishes.',
  })
  expect(await storedCounts(old.database)).toEqual({ events: 0, deliveries: 0 })
  await old.close()
})

test('the function refuses a batch of a later protocol, and the error tells newer code to migrate', async () => {
  const batch = JSON.stringify({ protocol: 3, in_transaction: false, events: [], receivers: [] })

  await expect(shop.database.query('select * from postbus.publish($1)', [batch])).rejects.toMatchObject({
    code: 'PB001',
    message: 'Schema "postbus" is older than the code that publishes. Run: npx postbus migrate',
  })
})

test('the function stores events in the order of `ord`, in any order of the batch', async () => {
  const idOf = (ord: number) => `01890000-0000-7000-8000-00000000000${ord}`
  const event = { type: 'finances.paid', version: 1, payload: '{}', correlation_id: 'x', occurred_at: '2026-01-01' }
  const receiver = { handler: 'finances.book', handler_hash: '1830a106e6487fbb', queue: 'events', priority: 0 }
  const batch = {
    protocol: 1,
    in_transaction: false,
    events: [3, 1, 2].map((ord) => ({ ord, id: idOf(ord), receivers: 0, ...event })),
    receivers: [{ set: 0, ...receiver }],
  }

  const answer = await shop.database.query('select * from postbus.publish($1)', [JSON.stringify(batch)])

  const published = [1, 2, 3].map(idOf)
  expect(answer.rows).toEqual(published.map((id) => ({ id, deliveries: 1, duplicate: false })))
  expect((await storedEvents(shop.database)).map(({ id }) => id)).toEqual(published)
  expect((await storedDeliveries(shop.database)).map((row) => row.event)).toEqual(published)
})

test.each([
  { what: 'fewer deliveries than it was asked for', rows: [[paid.id, 0]], says: 'returned 0 deliveries, expected 1' },
  { what: 'more', rows: [[paid.id, 2]], says: 'returned 2 deliveries, expected 1' },
  { what: 'nothing', rows: [], says: 'returned nothing, expected 1' },
  { what: 'what became of another event', rows: [[OTHER_ID, 1]], says: 'returned nothing, expected 1' },
])('a database that returns $what is an error, never a silent success', async ({ rows: returned, says }) => {
  const rows = returned.map(([id, deliveries]) => ({ publish: `(${id},${deliveries},f)` }))
  const broken = { executeSql: async () => ({ rows }) }

  await expect(shop.bus.publish(paid, { tx: broken })).rejects.toMatchObject({
    code: 'POSTBUS_PUBLISH_INCOMPLETE',
    message: expect.stringContaining(says) as unknown,
  })
})

test('in a transaction that an error has aborted, publish throws before it sends anything', async () => {
  await tx.query('begin')
  await tx.query('select 1 / 0').catch(() => undefined)

  await expect(shop.bus.publish(paid, { tx })).rejects.toMatchObject({ code: 'POSTBUS_TRANSACTION_ABORTED' })
  await tx.query('rollback')
  expect(await storedCounts(shop.database)).toEqual({ events: 0, deliveries: 0 })
})

test('the database refuses an executor in autocommit, but not its next transaction', async () => {
  const executor = { executeSql: (text: string, values: readonly unknown[]) => tx.query(text, [...values]) }

  const refusal = await shop.bus.publish(paid, { tx: executor }).catch((error: unknown) => error)
  await tx.query('begin')
  await shop.bus.publish(paid, { tx: executor })
  await tx.query('commit')

  expect(refusal).toMatchObject({ code: 'POSTBUS_TRANSACTION_FINISHED' })
  expect(await storedCounts(shop.database)).toEqual({ events: 1, deliveries: 1 })
})

test('a caller can make all constraints immediate and then deferred again', async () => {
  await tx.query('begin')
  await tx.query('set constraints all immediate')
  await shop.bus.publish(paid, { tx })
  await tx.query('set constraints all deferred')
  await shop.bus.publish(Paid({ euro: 2, account: 'NL01' }), { tx })
  await tx.query('set constraints all immediate')
  await tx.query('commit')

  expect(await storedCounts(shop.database)).toEqual({ events: 2, deliveries: 2 })
})

test('a bus without a connection string publishes in a transaction; without one, the error says why it cannot', async () => {
  const bus = createBus({ handlers: [book] })

  await tx.query('begin')
  await bus.publish(paid, { tx })
  await tx.query('commit')

  expect(await storedCounts(shop.database)).toEqual({ events: 1, deliveries: 1 })
  await expect(bus.publish(paid)).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
})

test('a closed bus publishes nothing without a transaction of the caller', async () => {
  const bus = createBus({ connectionString: shop.connectionString, handlers: [book] })
  await bus.publish(paid)
  await bus.close()

  await expect(bus.publish(Paid({ euro: 2, account: null }))).rejects.toMatchObject({ code: 'POSTBUS_CLOSED' })
  expect(await storedCounts(shop.database)).toEqual({ events: 1, deliveries: 1 })
})
