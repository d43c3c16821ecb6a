/** The grants of docs/roles.md, exactly as printed there, are enough for the purpose of each role, and for nothing else. */
import { readFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler, type Bus } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'

const Paid = defineEvent('finances.paid', {
  schema: z.object({ account: z.string().nullable(), fails: z.boolean() }),
  partitionKey: (data) => data.account,
})
const Noted = defineEvent('finances.noted', { schema: z.object({ text: z.string() }) })
const book = defineHandler('finances.book', {
  on: Paid,
  maxAttempts: 1,
  onDead: 'block',
  concurrency: { cluster: 5 },
  handle(event) {
    if (event.data.fails) throw new Error('no money')
  },
})
const FORBIDDEN = /permission denied/
const ROLES = ['shop_owner', 'shop_web', 'shop_billing', 'shop_worker', 'shop_operator', 'shop_replayer']

/** Roles belong to the server, which all tests share. */
const suffix = randomBytes(4).toString('hex')
let database: TestDatabase
let superuser: Client
const buses: Bus[] = []

beforeAll(async () => {
  database = await createDatabase()
  superuser = new Client({ connectionString: database.connectionString })
  await superuser.connect()
  const [owner = '', ...others] = await blocksOfTheDocument()
  await superuser.query(owner)
  await as('shop_owner').migrate()
  await superuser.query(`revoke create on database ${database.name} from shop_owner_${suffix}`)
  for (const block of others) await superuser.query(block)
})

afterAll(async () => {
  await Promise.all(buses.map((bus) => bus.close()))
  for (const role of ROLES.toReversed())
    await superuser.query(`drop owned by ${role}_${suffix} cascade; drop role ${role}_${suffix}`)
  await superuser.end()
  await database.drop()
})

test('the owner of the schemas migrates without the right to create schemas, with and without anything to do', async () => {
  const bus = as('shop_owner')

  const nothing = await bus.migrate()
  await superuser.query('drop index pgboss.postbus_lane; drop trigger postbus_guard_fetch on pgboss.job_common')
  const something = await bus.migrate()

  expect(nothing.steps).toEqual([])
  expect(something.steps).toEqual(['build index "postbus_lane"', 'install the functions of "postbus"'])
})

test('a role that cannot create schemas migrates into schemas that were created for it', async () => {
  const other = { schema: 'our_events', pgbossSchema: 'our_jobs' }
  for (const name of Object.values(other))
    await superuser.query(`create schema ${name} authorization shop_owner_${suffix}`)
  const bus = createBus({ connectionString: url('shop_owner'), onSignal: () => undefined, ...other })
  buses.push(bus)

  await bus.migrate()

  await expect(bus.ready()).resolves.toBeUndefined()
})

test('a publisher broadcasts and listens, also with messages that are stored', async () => {
  const bus = as('shop_web')
  const heard: string[] = []
  const stop = await bus.listen(Noted, ({ data }) => void heard.push(data.text))

  await bus.broadcast(['short', 'x'.repeat(9_000)].map((text) => Noted({ text })))
  await until('both are heard', () => heard.length === 2)
  await stop()

  expect(heard.map((text) => text.length)).toEqual([5, 9_000])
})

test('a publisher publishes inside and outside a transaction, and can do nothing else', async () => {
  const bus = as('shop_web')
  await bus.ready()
  const tx = new Client({ connectionString: url('shop_web') })
  await tx.connect()
  await tx.query('begin')

  const { events } = await bus.publish([paid('NL01'), paid(null), paid('NL02', true)], { tx })
  await tx.query('commit')
  await tx.end()
  const alone = await bus.publish(paid('NL03', true))

  expect([...events, ...alone.events].map(({ deliveries }) => deliveries)).toEqual([1, 1, 1, 1])
  await expect(bus.worker().drain()).rejects.toThrow(FORBIDDEN)
  await expect(bus.deadLetters.dismiss({ all: true })).rejects.toThrow(FORBIDDEN)
})

test('a worker works, recovers and prunes, and cannot change installed objects', async () => {
  const bus = as('shop_worker')
  await bus.publish([paid('NL04'), paid(null, true)])
  const worker = bus.worker()

  await worker.start()
  const errors = await settled()
  await worker.stop()

  expect(errors).toEqual([])
  expect(worker.counts()).toMatchObject({ done: 3, dead: 3 })
  await superuser.query(`update postbus.pruning set pruned_at = '2020-01-01'`)
  const client = new Client({ connectionString: url('shop_worker') })
  await client.connect()
  await client.query(`select * from postbus.prune('0', 100, '0', '0')`)
  await client.query(`select postbus.turn_history('0')`)
  await expect(client.query(`drop table postbus.event`)).rejects.toMatchObject({ code: '42501' })
  await expect(client.query(`delete from postbus.registry`)).rejects.toMatchObject({ code: '42501' })
  await client.end()
})

test('an operator lists, retries, dismisses and skips, and the doctor finds no problem', async () => {
  const bus = as('shop_operator')

  expect(await bus.deadLetters.count()).toBe(3)
  expect((await bus.deadLetters.list()).deadLetters).toHaveLength(3)
  expect((await bus.lanes.list({ state: 'blocked' })).lanes).toHaveLength(2)
  expect(await bus.lanes.show({ handler: 'finances.book', partitionKey: 'NL02' })).toMatchObject({ state: 'blocked' })
  expect(await bus.lanes.skipHead({ handler: 'finances.book', partitionKey: 'NL02' })).toEqual({ count: 1 })
  expect(await bus.lanes.retry({ handler: 'finances.book', partitionKey: 'NL03' })).toEqual({ count: 1 })
  const [letter] = (await bus.deadLetters.list()).deadLetters
  expect(await bus.deadLetters.retry({ deliveryIds: [letter!.deliveryId] })).toEqual({ count: 1 })
  expect(await bus.deadLetters.dismiss({ all: true })).toEqual({ count: 1 })
  expect((await bus.doctor()).filter(({ status }) => status === 'problem')).toEqual([])
  await expect(bus.publish(paid(null))).rejects.toThrow(FORBIDDEN)
})

test('a replayer previews, replays, exports and imports, and cannot delete an event', async () => {
  const bus = as('shop_replayer')
  const handler = book.name

  expect(await bus.replay({ handler, dryRun: true })).toMatchObject({ count: expect.any(Number) })
  const replay = await bus.replay({ handler }, { by: 'ada' })
  expect((await replay.done).count).toBeGreaterThan(0)
  expect(await bus.replays.list()).toHaveLength(1)
  expect(await bus.events.import(bus.events.export())).toMatchObject({ count: 0 })
  const client = new Client({ connectionString: url('shop_replayer') })
  await client.connect()
  await expect(client.query('delete from postbus.event')).rejects.toMatchObject({ code: '42501' })
  await client.end()
})

function paid(account: string | null, fails = false) {
  return Paid({ account, fails })
}

function as(role: string): Bus {
  const bus = createBus({ connectionString: url(role), handlers: [book], onSignal: () => undefined })
  buses.push(bus)
  return bus
}

function url(role: string): string {
  const one = new URL(database.connectionString)
  one.username = `${role}_${suffix}`
  one.password = 'secret'
  return one.href
}

/** Waits until no delivery waits or runs. Returns an error if some still do after 10 s. */
async function settled(): Promise<string[]> {
  for (let n = 0; n < 500; n += 1) {
    const { rows } = await superuser.query(
      `select from pgboss.job where state <= 'active' and start_after < 'infinity'`,
    )
    if (rows.length === 0) return []
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return ['something still waits']
}

/** The SQL blocks of the document, for this database, and with roles that no other test has. */
async function blocksOfTheDocument(): Promise<string[]> {
  const text = await readFile(new URL('../../docs/roles.md', import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/```sql\n(.*?)```/gs)].map(([, sql = '']) => sql)
  expect(blocks).toHaveLength(ROLES.length + 1) // one for each role, and one for broadcasts
  return blocks.map((sql) =>
    sql
      .replaceAll('on database shop', `on database ${database.name}`)
      .replaceAll(/\bshop_(owner|web|billing|worker|operator|replayer)\b/g, `shop_$1_${suffix}`)
      .replaceAll(' login;', ` login password 'secret';`),
  )
}
