/** Code and database of different releases: an older database is refused with the command to run, and a newer one works. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type Bus, type BusSignal } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { createDatabase } from '../support/database.ts'
import { dumpSchema } from '../support/schema-dump.ts'

const Paid = defineEvent('finances.paid', { schema: z.object({}) })
const book = defineHandler('finances.book', { on: Paid, handle: () => undefined })
const audit = defineHandler('finances.audit', { on: Paid, queue: 'audits', handle: () => undefined })

let shop: TestBus
let bus: Bus
const signals: BusSignal[] = []

beforeAll(async () => {
  shop = await openTestBus({ handlers: [book] })
})

afterAll(() => shop.close())

beforeEach(() => {
  signals.length = 0
  bus = createBus({
    connectionString: shop.connectionString,
    handlers: [book],
    onSignal: (signal) => signals.push(signal),
  })
})

afterEach(async () => {
  await bus.close()
  await shop.database.query(`
    update pgboss.version set version = 43;
    update pgboss.queue set policy = 'singleton' where name = 'events_partitioned';
    delete from postbus.migration where name = '0099-later';
    insert into postbus.migration values ('0004-publish', '2026') on conflict do nothing`)
})

test('a worker on a database without the schema names the database and the command', async () => {
  const empty = await createDatabase()
  const lost = createBus({ connectionString: empty.connectionString, onSignal: () => undefined })
  const message = `Schema "postbus" is not installed in database "${empty.name}". Run: npx postbus migrate`

  for (const use of [() => lost.worker().start(), () => lost.worker().drain(), () => lost.ready()]) {
    await expect(use()).rejects.toMatchObject({ code: 'POSTBUS_SCHEMA_MISSING', message })
  }
  await lost.close()
  await empty.drop()
})

test('a worker on a schema that lacks a migration names it and the command', async () => {
  await shop.database.query(`delete from postbus.migration where name = '0004-publish'`)

  for (const use of [() => bus.worker().start(), () => bus.ready()]) {
    await expect(use()).rejects.toMatchObject({
      code: 'POSTBUS_SCHEMA_OUTDATED',
      message: 'Schema "postbus" lacks "0004-publish". Run: npx postbus migrate',
    })
  }
})

test('a worker on a pg-boss schema that is too old names the version that it needs', async () => {
  await shop.database.query('update pgboss.version set version = 42')

  await expect(bus.worker().start()).rejects.toMatchObject({
    code: 'POSTBUS_SCHEMA_OUTDATED',
    message: 'pg-boss\'s schema "pgboss" has version 42, this code needs 43. Run: npx postbus migrate',
  })
})

test('a worker whose queues are missing names them and the command', async () => {
  const newer = createBus({ connectionString: shop.connectionString, handlers: [audit], onSignal: () => undefined })

  await expect(newer.worker().start()).rejects.toMatchObject({
    code: 'POSTBUS_QUEUE_MISSING',
    message: 'Queues "audits", "audits_partitioned" do not exist in this database. Run: npx postbus migrate',
  })
  await newer.close()
})

test('a worker refuses to start on a queue of the wrong kind', async () => {
  await shop.database.query(`update pgboss.queue set policy = 'standard' where name = 'events_partitioned'`)

  await expect(bus.worker().start()).rejects.toMatchObject({ code: 'POSTBUS_QUEUE_MISMATCH' })
})

test.each([
  { what: 'a migration of a newer release', newer: `insert into postbus.migration values ('0099-later', '2030')` },
  { what: 'a newer pg-boss', newer: 'update pgboss.version set version = 44' },
])('on a database with $what a worker works, and reports that its code is old', async ({ newer }) => {
  await shop.database.query(newer)

  const worker = bus.worker()
  await worker.start()
  await worker.stop()
  await bus.publish(Paid({}))
  const counts = await bus.worker().drain()

  expect(counts.done).toBe(1)
  expect(signals.filter(({ name }) => name === 'schema.newer')).toEqual([
    expect.objectContaining({ level: 'warn', message: expect.stringContaining('newer release') as unknown }),
    expect.objectContaining({ level: 'warn' }),
  ])
})

test('the signal names the migrations that this code does not know', async () => {
  await shop.database.query(`insert into postbus.migration values ('0099-later', '2030')`)

  await bus.ready()

  expect(signals.filter(({ name }) => name === 'schema.newer')).toEqual([
    expect.objectContaining({ fields: { unknownMigrations: ['0099-later'], pgbossVersion: 43 } }),
  ])
})

test.each([
  { what: 'a migration of a newer release', newer: `insert into postbus.migration values ('0099-later', '2030')` },
  { what: 'a newer pg-boss', newer: 'update pgboss.version set version = 44' },
])('migrate does not change a database with $what', async ({ newer }) => {
  await shop.database.query(newer)
  const before = await versions()

  const { steps } = await bus.migrate()

  expect(steps).toEqual([])
  expect(await versions()).toBe(before)
})

test('on a database with a newer pg-boss migrate creates missing queues', async () => {
  await shop.database.query('update pgboss.version set version = 44')
  const later = defineHandler('finances.later', { on: Paid, queue: 'later', handle: () => undefined })
  const newer = createBus({ connectionString: shop.connectionString, handlers: [later], onSignal: () => undefined })

  const { steps } = await newer.migrate()
  await newer.close()

  expect(steps).toEqual([
    'create queue "later"',
    'create queue "later_partitioned"',
    'register 1 event type and 1 handler for SQL publishers',
  ])
})

async function versions(): Promise<string> {
  const { rows } = await shop.database.query(
    `select name from postbus.migration union all select version::text from pgboss.version order by 1`,
  )
  return JSON.stringify([rows, await dumpSchema(shop.database)])
}
