/** `set constraints all immediate` in a caller's transaction runs our deferred trigger before the commit. Workers are woken all the same. */
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { emptyTables } from '../support/stored.ts'

const Paid = defineEvent('finances.paid', {
  schema: z.object({ account: z.string().nullable() }),
  partitionKey: (data) => data.account,
})
const book = defineHandler('finances.book', { on: Paid, handle: () => undefined })

let shop: TestBus
let tx: Client
let listener: Client
let heard: string[]

beforeAll(async () => {
  shop = await openTestBus({ handlers: [book] })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  tx = new Client({ connectionString: shop.connectionString })
  listener = new Client({ connectionString: shop.connectionString })
  heard = []
  listener.on('notification', ({ payload }) => heard.push(payload ?? ''))
  await Promise.all([tx.connect(), listener.connect()])
  await listener.query('listen postbus_postbus')
})

afterEach(async () => {
  await tx.end()
  await listener.end()
})

const publish = (account: string | null) => shop.bus.publish(Paid({ account }), { tx })
const immediate = () => tx.query('set constraints all immediate')
const deferred = () => tx.query('set constraints all deferred')

/** Notifications arrive in the order of commits: one that is sent after a transaction arrives after the transaction's own. */
async function wakeUps(): Promise<string[]> {
  await listener.query(`notify postbus_postbus, 'end'`)
  const before = heard.slice(0, heard.indexOf('end'))
  return before.flatMap((queues) => queues.split(' ')).toSorted()
}

test.each([
  { what: 'before the publish', steps: [immediate, () => publish(null)], woken: ['events'] },
  { what: 'after the publish', steps: [() => publish(null), immediate], woken: ['events'] },
  {
    what: 'before two publishes',
    steps: [immediate, () => publish(null), () => publish('NL01')],
    woken: ['events', 'events_partitioned'],
  },
  {
    what: 'between two publishes',
    steps: [() => publish(null), immediate, () => publish('NL01')],
    woken: ['events', 'events_partitioned'],
  },
  {
    what: 'between two publishes, and taken back',
    steps: [() => publish(null), immediate, deferred, () => publish('NL01')],
    woken: ['events', 'events_partitioned'],
  },
  {
    what: 'before the first publish, and taken back before the second',
    steps: [immediate, () => publish('NL01'), deferred, () => publish(null)],
    woken: ['events', 'events_partitioned'],
  },
])('workers are woken at the commit when constraints were made immediate $what', async ({ steps, woken }) => {
  await tx.query('begin')
  for (const step of steps) await step()
  const early = await wakeUps()
  heard.length = 0
  await tx.query('commit')

  expect(early).toEqual([])
  expect(await wakeUps()).toEqual(woken)
})

test('a list of events wakes each queue once', async () => {
  await tx.query('begin')
  await immediate()
  await shop.bus.publish([Paid({ account: null }), Paid({ account: null }), Paid({ account: 'NL01' })], { tx })
  await tx.query('commit')

  expect(await wakeUps()).toEqual(['events', 'events_partitioned'])
})

test('a publisher that commits meanwhile also wakes the workers, because the open transaction holds no lock for it', async () => {
  await tx.query('begin')
  await publish(null)
  await immediate()
  await publish(null)

  await shop.bus.publish(Paid({ account: null }))
  const { rows } = await shop.database.query(
    `select from pg_locks join pg_database on pg_database.oid = database
    where locktype = 'advisory' and datname = current_database()`,
  )

  expect(await wakeUps()).toEqual(['events'])
  expect(rows).toEqual([])
  await tx.query('commit')
})

test('after a publish with immediate constraints, a publish without a transaction is still refused', async () => {
  await tx.query('begin')
  await immediate()
  await publish(null)
  await tx.query('commit')
  const open = { executeSql: (text: string, values: readonly unknown[]) => tx.query(text, [...values]) }

  await expect(shop.bus.publish(Paid({ account: null }), { tx: open })).rejects.toMatchObject({
    code: 'POSTBUS_TRANSACTION_FINISHED',
  })
})
