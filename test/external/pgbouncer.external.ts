/** Everything of a bus through pgbouncer in transaction mode, with two connections for all. Another client may use each connection next. */
import { Client, defaults, Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createBus, type Bus, type BusOptions, type BusSignalName } from '../../src/index.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { openPgbouncer, type Pgbouncer } from '../support/pgbouncer.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

let database: TestDatabase
let pooler: Pgbouncer
let direct: Pool

beforeAll(async () => {
  database = await createDatabase()
  direct = new Pool({ connectionString: database.connectionString })
  // Settings that would suit no queue: each could change the meaning of our statements.
  for (const setting of [
    `default_transaction_isolation = 'serializable'`,
    `synchronous_commit = 'off'`,
    `datestyle = 'German'`,
    `extra_float_digits = -15`,
    `statement_timeout = '20min'`,
  ]) {
    await direct.query(`alter database "${database.name}" set ${setting}`)
  }
  pooler = await openPgbouncer(database.connectionString, { mode: 'transaction', poolSize: 2 })
})

afterAll(async () => {
  await direct.end()
  await pooler.close()
  await database.drop()
})

test('a bus migrates through the pooler, and a second time finds nothing to do', async () => {
  defaults.statement_timeout = 60_000 // pg would send this at the start, and the pooler would refuse it
  onTestFinished(() => void (defaults.statement_timeout = 0))
  const { bus } = aBus()

  expect((await bus.migrate()).steps.length).toBeGreaterThan(0)
  expect((await bus.migrate()).steps).toEqual([])
})

test('a migration through a pooler with one connection says that it needs two', async () => {
  const narrow = await openPgbouncer(database.connectionString, { mode: 'transaction', poolSize: 1 })
  const { bus } = aBus({ connectionString: narrow.connectionString })

  await expect(bus.migrate()).rejects.toMatchObject({
    code: 'POSTBUS_MIGRATION_BLOCKED',
    message: expect.stringContaining('A migration needs two connections to the server at once') as unknown,
  })
  await narrow.close()
}, 30_000)

describe.each([
  ['as it comes', {}],
  ['without prepared statements', { preparedStatements: false }],
  ['with prepared statements, whether the pooler knows them or not', { preparedStatements: true }],
] satisfies [string, BusOptions][])('%s', (_, options) => {
  beforeEach(() => emptyTables(direct))

  test('publishers and two workers share the two connections, nothing is lost, and keys keep their order', async () => {
    const ran: number[] = []
    const handler = handlerThat((n) => void ran.push(n))
    const { bus, signals } = aBus({ handlers: [handler], ...options })
    const worker = await aWorker(bus)
    const other = await aWorker(aBus({ handlers: [handler], ...options }).bus)

    const numbers = Array.from({ length: 60 }, (__, n) => n)
    await Promise.all(numbers.map((n) => bus.publish(NoteTaken({ n, key: null }))))
    for (const n of numbers) await bus.publish(NoteTaken({ n: 100 + n, key: 'red' }))
    await until('all are handled', () => ran.length === 120)
    await until('all are settled', async () => (await liveDeliveries()) === 0)
    await Promise.all([worker.stop(), other.stop()])

    expect(ran.filter((n) => n < 100).toSorted((one, two) => one - two)).toEqual(numbers)
    expect(ran.filter((n) => n >= 100)).toEqual(numbers.map((n) => 100 + n))
    expect(signals.filter(({ level }) => level === 'error')).toEqual([])
    expect(signals.filter(({ name }) => name === 'database.unreachable')).toEqual([])
  })

  test('another client on the same connections finds no setting of ours, and hears no notification of ours', async () => {
    const before = await strangersSettings()
    const { bus } = aBus({ handlers: [handlerThat(() => undefined)], ...options })
    const worker = await aWorker(bus)
    await Promise.all(Array.from({ length: 20 }, (__, n) => bus.publish(NoteTaken({ n }))))
    await until('all are settled', async () => (await liveDeliveries()) === 0)
    await bus.deadLetters.dismiss({ handler: 'notes.take' })
    await bus.doctor()
    await worker.stop()

    const after = await strangersSettings()

    expect(after).toEqual(before)
    expect(after.every(({ listens, ours }) => listens === 0 && ours === 0)).toBe(true)
  })
})

test('claims run in read committed, and their transactions wait for the disk where they must', async () => {
  await emptyTables(direct)
  await direct.query(`create table seen (isolation text, waits text)`)
  await direct.query(`create function see() returns trigger language plpgsql as $$ begin
    insert into public.seen values (current_setting('transaction_isolation'), current_setting('synchronous_commit'));
    return new; end $$`)
  await direct.query(`create trigger see after insert on postbus.event for each row execute function see()`)
  await direct.query(`create trigger see after insert on postbus.dead_letter for each row execute function see()`)
  const { bus } = aBus({ handlers: [handlerThat(() => Promise.reject(new Error('no')), { maxAttempts: 1 })] })

  await bus.publish(NoteTaken({ n: 1 }))
  expect(await bus.worker().drain()).toMatchObject({ dead: 1 })

  const { rows } = await direct.query('select * from seen')
  expect(rows).toEqual(Array.from({ length: 2 }, () => ({ isolation: 'read committed', waits: 'local' })))
})

test('times that operators read are Dates, in any date format of the database', async () => {
  const { bus } = aBus({ handlers: [handlerThat(() => undefined)] })
  const [letter] = (await bus.deadLetters.list()).deadLetters

  expect(letter?.diedAt).toBeInstanceOf(Date)
  expect(Math.abs(Date.now() - (letter?.diedAt.getTime() ?? 0))).toBeLessThan(60_000)
  expect(await bus.deadLetters.dismiss({ deliveryIds: [letter?.deliveryId ?? ''] })).toEqual({ count: 1 })
})

test('a worker that cannot LISTEN through the pooler reports it once, and finds its deliveries by polling', async () => {
  const { bus, named } = aBus({ handlers: [handlerThat(() => undefined)] })
  const worker = await aWorker(bus)
  await until('it says so', () => named('wake-up.unavailable').length > 0)
  await bus.publish(NoteTaken({ n: 1 }))
  await until('it is found', async () => (await liveDeliveries()) === 0)
  await worker.stop()

  expect(named('wake-up.unavailable')).toHaveLength(1)
  expect(named('wake-up.unavailable')[0]?.message).toContain('listen: { connectionString }')
  expect(named('wake-up.lost')).toEqual([])
  expect((await bus.doctor()).find(({ check }) => check === 'notify')).toMatchObject({
    status: 'warning',
    message: expect.stringContaining('pooler') as unknown,
  })
})

test.each([
  [
    'with a way of its own to LISTEN, a worker is woken long before it would look',
    () => ({ connectionString: database.connectionString }),
  ],
  ['through a pooler that keeps sessions, LISTEN works when it is asked for', async () => sessionPooler()],
])('%s', async (_, listen) => {
  const handled: number[] = []
  const { bus, signals, named } = aBus({ handlers: [handlerThat((n) => void handled.push(n))], listen: await listen() })
  const worker = await aWorker(bus, 60_000)
  await until('it listens', async () => (await listeners()) === 1)

  await bus.publish(NoteTaken({ n: 1 }))
  await until('it is woken', () => handled.length === 1)
  await worker.stop()

  expect(named('wake-up.unavailable')).toEqual([])
  expect(signals.filter(({ level }) => level === 'warn')).toEqual([])
  expect((await bus.doctor()).find(({ check }) => check === 'notify')).toMatchObject({ status: 'ok' })
})

test('with `listen: false` a worker polls, and reports no warning', async () => {
  const { bus, signals } = aBus({ handlers: [handlerThat(() => undefined)], listen: false })
  const worker = await aWorker(bus)
  await bus.publish(NoteTaken({ n: 1 }))
  await until('it is found', async () => (await liveDeliveries()) === 0)
  await worker.stop()

  expect(signals.filter(({ level }) => level === 'warn')).toEqual([])
})

async function sessionPooler() {
  const sessions = await openPgbouncer(database.connectionString, { mode: 'session', poolSize: 2 })
  onTestFinished(() => sessions.close())
  return { connectionString: sessions.connectionString }
}

function aBus(options: BusOptions = {}) {
  const signals: { name: BusSignalName; level: string; message: string }[] = []
  const bus = createBus({
    connectionString: pooler.connectionString,
    handlers: [handlerThat(() => undefined)],
    onSignal: (signal) => signals.push(signal),
    ...options,
  })
  onTestFinished(() => bus.close())
  return { bus, signals, named: (name: BusSignalName) => signals.filter((signal) => signal.name === name) }
}

async function aWorker(bus: Bus, pollMs = 100) {
  const worker = bus.worker({ pollMs })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  return worker
}

async function liveDeliveries(): Promise<number> {
  const { rows } = await direct.query<{ count: number }>(
    `select count(*)::integer as count from pgboss.job where state < 'completed'`,
  )
  return rows[0]?.count ?? 0
}

async function listeners(): Promise<number> {
  const { rowCount } = await direct.query(
    `select from pg_stat_activity where datname = current_database() and query like 'listen%'`,
  )
  return rowCount ?? 0
}

/** The settings on each of the pooler's connections, as other clients see them. */
async function strangersSettings() {
  const strangers = [new Client(pooler.connectionString), new Client(pooler.connectionString)]
  await Promise.all(strangers.map((stranger) => stranger.connect()))
  try {
    await Promise.all(strangers.map((stranger) => stranger.query('begin'))) // so that each client has one connection
    const found = await Promise.all(
      strangers.map(async (stranger) => {
        const { rows } = await stranger.query<{ set: string | null; listens: number; ours: number }>(
          `select (select string_agg(name || ' = ' || setting, ', ' order by name) from pg_settings
              where source = 'session' and name not in ('application_name', 'client_encoding', 'transaction_isolation', 'transaction_read_only', 'transaction_deferrable')) as set,
            (select count(*)::integer from pg_listening_channels()) as listens,
            (select count(*)::integer from pg_settings where name like 'postbus.%') as ours`,
        )
        return rows[0] ?? { set: '', listens: -1, ours: -1 }
      }),
    )
    return found.toSorted((one, other) => (one.set ?? '').localeCompare(other.set ?? ''))
  } finally {
    await Promise.all(strangers.map((stranger) => stranger.query('rollback').then(() => stranger.end())))
  }
}
