/** Test databases: migrated once, empty at the start of every test, and a separate one for each test that runs at the same time. */
import { Client } from 'pg'
import { expect, inject, onTestFinished, test as base } from 'vitest'
import { createBus } from '../../../src/index.ts'
import { openTestDatabase, testDatabase } from '../../../src/testing/database/database.ts'
import { drainEvents } from '../../../src/testing/drain/drain.ts'
import { advanceTime, currentTime } from '../../../src/testing/time/time.ts'
import { handlerThat, NoteTaken } from '../../support/notes.ts'

const databaseUrl = inject('serverUrl')
const aBus = (connectionString: string) =>
  createBus({ connectionString, handlers: [handlerThat(() => undefined)], onSignal: () => undefined })

let migrations = 0

/** An application with its own tables: some empty after its migrations, one filled by them, and one that tests must not empty. */
const NOTEBOOK = {
  databaseUrl,
  bus: aBus,
  keepTables: ['setting'],
  async migrate(connectionString: string) {
    migrations += 1
    await onDatabase(connectionString, [
      'create table note (n integer primary key, at integer generated always as identity)',
      'create table remark (note integer references note)',
      'create table country (code text)',
      `insert into country values ('NL')`,
      'create table setting (name text)',
    ])
  },
}

const test = base.extend('database', await testDatabase(NOTEBOOK))

test('a test has a working bus, on its own database', async ({ database }) => {
  await database.bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2, key: 'red' })])

  const counts = await drainEvents()

  expect(counts).toEqual({ done: 2, failed: 0, dead: 0, snoozed: 0 })
  expect(database.name).toMatch(/^postbus_test_[0-9a-f]{8}_[0-9a-f]{8}_db_[0-9a-f]{6}$/)
})

test('the next test finds no rows of the previous one, in our tables and the application’s', async ({ database }) => {
  const rows = await onDatabase(database.connectionString, [COUNTS])

  expect(rows).toEqual([{ events: 0, deliveries: 0, notes: 0, countries: 1, settings: 0 }])
})

base('emptying keeps reference data and kept tables, and restarts sequences', async () => {
  const database = await opened()
  const fill = [
    'insert into note values (1), (2)',
    'insert into remark values (1)',
    `insert into country values ('BE')`,
    `insert into setting values ('dark')`,
  ]
  await onDatabase(database.connectionString, fill)
  await database.bus.publish(NoteTaken({ n: 1 }))

  await database.clean()

  expect(await onDatabase(database.connectionString, [COUNTS])).toEqual([
    { events: 0, deliveries: 0, notes: 0, countries: 2, settings: 1 },
  ])
  const [row] = await onDatabase(database.connectionString, ['insert into note values (1) returning at'])
  expect(row).toEqual({ at: 1 })
})

test('moved time is reset for the next test', async ({ database }) => {
  await advanceTime({ days: 3 })

  expect((await currentTime()).getTime()).toBeGreaterThan(Date.now() + 2 * 86_400_000)
  expect(database.bus).toBeDefined()
})

test('the next test has the real time again', async ({ database }) => {
  expect(Math.abs((await currentTime({ bus: database.bus })).getTime() - Date.now())).toBeLessThan(10_000)
})

base('each open database is a separate one, a closed one is used again, and migrations run once', async () => {
  migrations = 0
  const one = await opened()
  const other = await opened()
  await other.close()

  const third = await opened()

  expect(other.name).not.toBe(one.name)
  expect(third.name).toBe(other.name)
  expect(migrations).toBeLessThanOrEqual(1)
})

base('a transaction that a test left open is reported, and not waited for', async () => {
  const database = await opened()
  await database.bus.publish(NoteTaken({ n: 1 }))
  const client = new Client({ connectionString: database.connectionString, application_name: 'forgetful' })
  await client.connect()
  onTestFinished(() => client.end())
  await client.query('begin; select from postbus.event')

  const cleaning = database.clean()

  await expect(cleaning).rejects.toMatchObject({
    code: 'POSTBUS_TEST_DATABASE_BUSY',
    message: expect.stringContaining('forgetful (idle in transaction): begin; select from postbus.event'),
  })
})

base('a kept table that refers to an emptied one is reported, and not emptied', async () => {
  const database = await openTestDatabase({
    databaseUrl,
    bus: aBus,
    keepTables: ['remark'],
    migrate: (connectionString) =>
      onDatabase(connectionString, [
        'create table note (n integer primary key)',
        'create table remark (note integer references note)',
      ]),
  })
  onTestFinished(() => database.close())
  await onDatabase(database.connectionString, ['insert into note values (1)', 'insert into remark values (1)'])

  await expect(database.clean()).rejects.toThrow('Table remark is kept, but refers to a table that is emptied')
})

base('a kept table that does not exist is reported', async () => {
  const opening = openTestDatabase({ databaseUrl, bus: aBus, keepTables: ['no_such_table'] })

  await expect(opening).rejects.toThrow('table "no_such_table" of `keepTables` does not exist')
})

base('the error of a failed migration is shown, and the next test database migrates again', async () => {
  let fails = true
  const options = {
    databaseUrl,
    bus: aBus,
    migrate() {
      if (fails) throw new Error('no such column')
    },
  }
  const open = () => openTestDatabase(options)

  await expect(open()).rejects.toThrow('no such column')
  fails = false
  const database = await open()
  onTestFinished(() => database.close())

  expect(await drainEvents({ bus: database.bus })).toEqual({ done: 0, failed: 0, dead: 0, snoozed: 0 })
})

base('a server that is not there is reported', async () => {
  const opening = openTestDatabase({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none', bus: aBus })

  await expect(opening).rejects.toMatchObject({ code: 'POSTBUS_DATABASE_UNREACHABLE' })
})

base('a bus that already uses another test database is refused', async () => {
  const bus = createBus({ connectionString: databaseUrl, handlers: [] })
  onTestFinished(() => bus.close())
  const options = { databaseUrl, bus: () => bus }
  const first = await openTestDatabase(options)
  onTestFinished(() => first.close())

  const second = openTestDatabase(options)

  await expect(second).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
})

const COUNTS = `select (select count(*)::integer from postbus.event) as events,
  (select count(*)::integer from pgboss.job) as deliveries, (select count(*)::integer from note) as notes,
  (select count(*)::integer from country) as countries, (select count(*)::integer from setting) as settings`

async function opened() {
  const database = await openTestDatabase(NOTEBOOK)
  onTestFinished(() => database.close().catch(() => undefined))
  return database
}

/** Returns the rows of the last statement. */
async function onDatabase(connectionString: string, statements: readonly string[]) {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    let rows: unknown[] = []
    for (const statement of statements) rows = (await client.query(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}
