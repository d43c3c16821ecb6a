/** Each step of a change, taken by hand: its condition and its effect. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { failed, type Bus } from '../../src/index.ts'
import { LOG, openChangingHandler } from '../support/changing-handler.ts'
import { NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

const HELD = '9999-12-30'

let changing: Awaited<ReturnType<typeof openChangingHandler>>

beforeAll(async () => {
  changing = await openChangingHandler({ max_prepared_transactions: '2' })
})

afterEach(() => changing.tidy())

afterAll(() => changing.close())

test('a change waits for a prepared transaction', async () => {
  await toLog()
  const tx = await changing.connect()
  await tx.query(`begin; select pg_current_xact_id(); create table late (); prepare transaction 'late'`)

  expect(await steps()).toEqual(['waits until everything published before is final'])

  await tx.query(`commit prepared 'late'`)
  await tx.query('drop table late')
  expect(await steps()).toContain('publishers write held deliveries')
})

test('nothing is held before each reader has sent three heartbeats or is gone', async () => {
  await toDeliveries()
  await reader('one', 5)
  await reader('two', 9)
  expect(await steps()).toEqual(['readers look for deliveries from now on'])

  await reader('one', 7)
  await reader('two', 12)
  expect(await steps()).toEqual([])
  await reader('one', 8)
  await reader('new', 0)
  expect(await steps()).toEqual([])

  await changing.database.query('delete from postbus.log_reader where beat = 0')
  expect(await changing.step()).toBe('publishers write held deliveries')
})

test('held deliveries are released once all cursors have passed the end, even if an earlier run is not over', async () => {
  const deployed = await toDeliveries()
  await steps()
  await changing.publish(deployed, [1])
  expect(await due()).toEqual([HELD])

  await changing.database.query(
    `update postbus.log_cursor set position = (select ends_at from postbus.log_handler), owner = gen_random_uuid()`,
  )
  expect(await steps()).toEqual([])

  expect(await due()).not.toContain(HELD)
  expect((await changing.row()).mode).toBe('held')
})

test('a delivery that is held at the last step is released while that step waits', async () => {
  const deployed = await toDeliveries()
  await steps()
  await changing.publish(deployed, [1], null)
  const [tx, long] = [await changing.connect(), await changing.connect()]
  for (const one of [tx, long])
    await one.query('begin isolation level repeatable read; select count(*) from postbus.event')
  await changing.database.query('update postbus.log_cursor set position = (select ends_at from postbus.log_handler)')
  await steps()
  expect((await changing.row()).phase).toBe('waiting')
  expect(await due()).not.toContain(HELD)

  await deployed.publish(NoteTaken({ n: 2, key: null }), { tx }) // the transaction publishes in the mode that it sees
  await tx.query('commit')
  expect(await due()).toContain(HELD)
  expect(await steps()).toEqual([])
  expect(await due()).not.toContain(HELD)

  await long.query('commit')
  expect(await steps()).toEqual(['the handler has deliveries'])
})

test('an earlier change of the number of shards does not prevent the end of the change', async () => {
  await changing.deployedAs(LOG).migrate()
  await changing.deployedAs({ ...LOG, shards: 8 }).migrate()
  await changing.deployedAs({}).migrate()

  expect((await steps()).at(-1)).toBe('the handler has deliveries')
  expect(await changing.row()).toMatchObject({ mode: 'job', wanted_shards: null })
})

test('a drain releases no delivery behind an event that may still be committed', async () => {
  const old = changing.deployedAs(LOG)
  await old.migrate()
  const tx = await changing.connect()
  await tx.query('begin')
  await old.publish(NoteTaken({ n: 1, key: 'one' }), { tx })
  const deployed = changing.deployedAs({})
  await deployed.migrate()
  await steps()
  await changing.publish(deployed, [2])
  expect(await due()).toEqual([HELD])

  await deployed.worker().drain()
  expect(changing.took()).toEqual([])

  await tx.query('commit')
  await deployed.worker().drain()
  expect(changing.took()).toEqual([1, 2])
})

test('a delivery that is retried before cursors begin is held, and released when the change is taken back', async () => {
  const old = changing.deployedAs({ maxAttempts: 1 }, [], () => failed('for now'))
  await old.migrate()
  await changing.publish(old, [1])
  await old.worker().drain()
  await changing.deployedAs(LOG).migrate()
  const tx = await changing.connect()
  await tx.query('begin; select pg_current_xact_id(); create table open ()')
  expect(await steps()).toEqual(['waits until everything published before is final'])

  await old.deadLetters.retry({ all: true })
  expect(await due()).toEqual([HELD])

  await old.migrate({ replaceRegistry: true })
  expect(await steps()).toEqual(['the change was taken back'])
  await tx.query('rollback')
  expect(await due()).not.toContain(HELD)
})

/** A handler with deliveries that wants to read the log. */
async function toLog(): Promise<Bus> {
  const [old, deployed] = [changing.deployedAs({}), changing.deployedAs(LOG)]
  await old.migrate()
  await changing.publish(old, [0])
  await deployed.migrate()
  return deployed
}

/** A handler that reads the log, has not read all of it, and wants deliveries. */
async function toDeliveries(): Promise<Bus> {
  const old = changing.deployedAs(LOG)
  await old.migrate()
  await changing.publish(old, [0])
  const deployed = changing.deployedAs({})
  await deployed.migrate()
  return deployed
}

/** Takes all possible steps. Transactions that are ending at this moment must not count as open. */
async function steps(): Promise<readonly string[]> {
  const taken: string[] = []
  await until('only transactions of the test are open', async () => {
    const { rows } = await changing.database.query(
      `select from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    )
    return rows.length === 0
  })
  for (let one = await changing.step(); one !== null; one = await changing.step()) taken.push(one)
  return taken
}

/** A reader of the handler, as its heartbeats show it. */
async function reader(name: string, beat: number): Promise<void> {
  await changing.database.query(
    `insert into postbus.log_reader (id, beat, handlers) values (md5($1)::uuid, $2, '{notes.take}')
    on conflict (id) do update set beat = excluded.beat`,
    [name, beat],
  )
}

/** The times at which the deliveries are due. */
async function due(): Promise<readonly string[]> {
  const { rows } = await changing.database.query<{ day: string }>(
    `select (start_after at time zone 'UTC')::date::text as day from pgboss.job where state < 'active' order by id`,
  )
  return rows.map(({ day }) => day)
}
