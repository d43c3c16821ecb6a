/** The ways for an application to name its database, and the treatment of a pool that belongs to the application. */
import { randomBytes } from 'node:crypto'
import { Client, Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createConnection } from '../../src/backends/postgres/connection.ts'
import { createBus, type Bus, type BusOptions } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables, storedCounts } from '../support/stored.ts'
import { until } from '../support/until.ts'
import { heartbeat, settingsOf } from '../support/sessions.ts'

const ran: number[] = []
const handlers = [handlerThat((n) => void ran.push(n))]

let opened: TestBus
beforeAll(async () => {
  opened = await openTestBus({ handlers })
})
afterAll(() => opened.close())
beforeEach(async () => {
  ran.length = 0
  await emptyTables(opened.database)
})

test('a bus connects with pg’s options, including a password function', async () => {
  const { hostname, port, pathname, username, password } = new URL(opened.connectionString)
  let asked = 0
  const bus = aBus({
    connection: {
      host: hostname,
      port: Number(port),
      database: pathname.slice(1),
      user: username,
      password: async () => {
        asked += 1
        return decodeURIComponent(password)
      },
      options: '-c application_name=options_of_pg',
    },
  })

  await worksWith(bus)

  const { rows } = await opened.database.query('select application_name as name from pg_stat_activity')
  expect(rows).toContainEqual({ name: 'postbus' })
  expect(asked).toBeGreaterThan(0)
})

test('each new connection calls the function, so a password can change while the bus runs', async () => {
  const role = `rotating_${randomBytes(4).toString('hex')}`
  await opened.database.query(`create role ${role} login superuser password 'first'`)
  onTestFinished(async () => void (await opened.database.query(`drop role ${role}`)))
  let password = 'first'
  const asked: string[] = []
  const bus = aBus({
    connectionString: () => {
      asked.push(password)
      const url = new URL(opened.connectionString)
      url.username = role
      url.password = password
      return url.href
    },
  })
  onTestFinished(() => bus.close()) // closes the bus before the role is dropped
  await bus.publish(NoteTaken({ n: 1 }))

  password = 'second'
  await opened.database.query(`alter role ${role} password 'second'`)
  await opened.database.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`)
  await until('it connects again', () =>
    bus.publish(NoteTaken({ n: 2 })).then(
      () => true,
      () => false,
    ),
  )

  expect(asked[0]).toBe('first')
  expect(asked.at(-1)).toBe('second')
  expect((await storedCounts(opened.database)).events).toBe(2)
})

test.each([
  ['throws', () => Promise.reject(new Error('the vault is sealed')), 'the vault is sealed'],
  ['returns nothing', () => undefined as never, 'expected postgres://'],
  ['does not return', () => new Promise<string>(() => undefined), 'connectTimeoutMs'],
])('a connection string function that %s fails every use of the database, with that reason', async (_, ask, says) => {
  const bus = aBus({ connectionString: ask, connectTimeoutMs: 200 })

  await expect(bus.publish(NoteTaken({ n: 1 }))).rejects.toThrow(says)
})

test('a pool of the application is used, and stays open when the bus is closed', async () => {
  const pool = aPool()
  const bus = aBus({ pool })
  let used = 0
  pool.on('acquire', () => (used += 1))

  await worksWith(bus)
  await bus.close()

  expect(used).toBeGreaterThan(0)
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('a bus changes no session setting in a pool that it was given', async () => {
  const pool = aPool({ max: 1 })
  await pool.query(
    `set default_transaction_isolation = 'repeatable read'; set synchronous_commit = off; set work_mem = '5MB'`,
  )
  const before = await settingsOf(pool)
  const bus = aBus({ pool, preparedStatements: false })

  await worksWith(bus)
  await bus.deadLetters.dismiss({ handler: 'notes.take' })
  await bus.publish('no event' as never).catch(() => undefined)
  await bus.doctor()

  expect(await settingsOf(pool)).toEqual(before)
  expect(before).toContainEqual({ name: 'work_mem', setting: '5120' })
})

test('a worker keeps its claims when the application’s pool is exhausted', async () => {
  const pool = aPool({ max: 2 })
  const finish = Promise.withResolvers<void>()
  const bus = createBus({ pool, handlers: [handlerThat(() => finish.promise)], onSignal: () => undefined })
  const worker = bus.worker({ pollMs: 100 })
  await bus.publish(NoteTaken({ n: 1 }))
  await worker.start()
  await until('it runs', async () => (await heartbeat(opened.database)) !== null)

  const all = [await pool.connect(), await pool.connect()]
  const first = await heartbeat(opened.database)
  await until('a heartbeat comes all the same', async () => (await heartbeat(opened.database)) !== first)
  for (const client of all) client.release()
  finish.resolve()
  await worker.stop()
  await bus.close()

  expect((await storedCounts(opened.database)).events).toBe(1)
})

test('a publish fails instead of waiting when no connection of the application’s pool becomes free in time', async () => {
  const pool = aPool({ max: 1 })
  const taken = await pool.connect()
  const bus = aBus({ pool, connectTimeoutMs: 150 })

  await expect(bus.publish(NoteTaken({ n: 1 }))).rejects.toThrow('no connection of the pool was free within 150 ms')

  taken.release()
  await bus.publish(NoteTaken({ n: 2 }))
  expect((await storedCounts(opened.database)).events).toBe(1)
  expect(pool.idleCount).toBe(pool.totalCount)
})

test('frequent statements are prepared on our own connections', async () => {
  const connection = createConnection({
    connectionString: opened.connectionString,
    poolSize: 1,
    connectTimeoutMs: 5_000,
    queryTimeoutMs: 5_000,
  })
  onTestFinished(() => connection.close())
  const database = await connection.pool()
  const prepared = `select from_sql from pg_prepared_statements where name like 'postbus_%'`

  await database.query({ name: 'one', text: 'select $1::integer as one', values: [1] })
  await database.query({ text: 'select $1::integer as another', values: [1] })

  expect((await database.query(prepared)).rows).toEqual([{ from_sql: false }])
})

test('rows can be read as arrays, with the same parsers', async () => {
  const { connectionString } = opened
  const connection = createConnection({ connectionString, poolSize: 1, connectTimeoutMs: 5_000, queryTimeoutMs: 5_000 })
  onTestFinished(() => connection.close())
  const database = await connection.pool()

  const { rows } = await database.query<unknown[]>({
    name: 'row',
    text: `select 1, true, timestamptz '2026-01-02 03:04:05Z', array['a'], null, 2::bigint`,
    rowMode: 'array',
  })

  expect(rows).toEqual([[1, true, new Date('2026-01-02T03:04:05Z'), ['a'], null, '2']])
})

test('a prepared statement is prepared again after the columns of its rows have changed', async () => {
  const { connectionString } = opened
  const connection = createConnection({ connectionString, poolSize: 1, connectTimeoutMs: 5_000, queryTimeoutMs: 5_000 })
  onTestFinished(() => connection.close())
  const database = await connection.pool()
  await opened.database.query('create table public.changing as select 1 as a')
  onTestFinished(async () => void (await opened.database.query('drop table public.changing')))
  const read = async () => (await database.query({ name: 'read', text: 'select * from public.changing' })).rows

  expect(await read()).toEqual([{ a: 1 }])
  await opened.database.query('alter table public.changing add column b text')

  expect(await read()).toEqual([{ a: 1, b: null }])
  expect(await read()).toEqual([{ a: 1, b: null }])
})

test.each([
  ['prepared statements that someone has dropped', 'deallocate all'],
  ['a session that someone has reset', 'discard all'],
])('after %s a bus goes on without prepared statements', async (_, statement) => {
  const pool = aPool({ max: 1 })
  const bus = aBus({ pool, preparedStatements: true })
  await bus.publish(NoteTaken({ n: 1 }))
  expect((await pool.query(`select from pg_prepared_statements where name like 'postbus_%'`)).rowCount).toBe(1)

  await pool.query(statement)
  await bus.publish(NoteTaken({ n: 2 }))
  await bus.publish(NoteTaken({ n: 3 }))

  expect((await storedCounts(opened.database)).events).toBe(3)
  expect((await pool.query(`select from pg_prepared_statements where name like 'postbus_%'`)).rowCount).toBe(0)
})

function aBus(options: BusOptions): Bus {
  const bus = createBus({ handlers, onSignal: () => undefined, ...options })
  onTestFinished(() => bus.close())
  return bus
}

function aPool(options: object = {}): Pool {
  const pool = new Pool({ connectionString: opened.connectionString, ...options })
  pool.on('error', () => undefined)
  onTestFinished(() => pool.end())
  return pool
}

/** Publishes without and with a transaction, handles both events, reads operator data, and hears notifications. */
async function worksWith(bus: Bus): Promise<void> {
  await bus.ready()
  const worker = bus.worker({ pollMs: 60_000 })
  await worker.start()
  const tx = new Client({ connectionString: opened.connectionString })
  await tx.connect()
  await tx.query('begin')
  await bus.publish(NoteTaken({ n: 1 }), { tx })
  await tx.query('commit')
  await tx.end()
  await bus.publish(NoteTaken({ n: 2, key: 'red' }))
  await until('both are handled', () => ran.length === 2)
  expect(await bus.deadLetters.count()).toBe(0)
  await worker.stop()
}
