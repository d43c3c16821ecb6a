/** An event id is published once, however often and from however many places it is published. */
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { emptyTables, storedCounts, storedEvents } from '../support/stored.ts'
import { until } from '../support/until.ts'

const Paid = defineEvent('finances.paid', { schema: z.object({ euro: z.number() }) })
const book = defineHandler('finances.book', { on: Paid, handle: () => undefined })
const thank = defineHandler('email.thank', { on: Paid, handle: () => undefined })

const id = '01890000-0000-7000-8000-000000000001'
const isStored = { id, deliveries: 2, duplicate: false }
const isDuplicate = { id, deliveries: 0, duplicate: true }

let shop: TestBus
let one: Client
let two: Client

beforeAll(async () => {
  shop = await openTestBus({ handlers: [book, thank] })
})

afterAll(() => shop.close())

beforeEach(async () => {
  await emptyTables(shop.database)
  ;[one, two] = [new Client(shop.connectionString), new Client(shop.connectionString)]
  await Promise.all([one.connect(), two.connect()])
  return () => Promise.all([one.end(), two.end()])
})

test('twice in one list: the first is stored, the second is a duplicate', async () => {
  const { events } = await shop.bus.publish([Paid({ euro: 1 }, { id }), Paid({ euro: 2 }), Paid({ euro: 3 }, { id })])

  expect(events).toEqual([isStored, expect.objectContaining({ deliveries: 2, duplicate: false }), isDuplicate])
  expect(await payments()).toEqual([1, 2])
  expect(await storedCounts(shop.database)).toEqual({ events: 2, deliveries: 4 })
})

test('the id in capitals is the same id', async () => {
  await shop.bus.publish(Paid({ euro: 1 }, { id: id.replace('1890', 'ABCD') }))

  const again = await shop.bus.publish(Paid({ euro: 2 }, { id: id.replace('1890', 'abcd') }))

  expect(again.events).toEqual([expect.objectContaining({ duplicate: true })])
})

test('in a later call of the same transaction it is a duplicate', async () => {
  await one.query('begin')
  const first = await shop.bus.publish(Paid({ euro: 1 }, { id }), { tx: one })
  const second = await shop.bus.publish([Paid({ euro: 2 }, { id }), Paid({ euro: 3 })], { tx: one })
  await one.query('commit')

  expect([first.events[0], second.events[0]]).toEqual([isStored, isDuplicate])
  expect(await payments()).toEqual([1, 3])
})

test('in a later transaction it is a duplicate, also after its deliveries were done and pruned', async () => {
  await shop.bus.publish(Paid({ euro: 1 }, { id }))
  await shop.bus.worker().drain()
  const done = await shop.bus.publish(Paid({ euro: 2 }, { id }))
  await shop.database.query('truncate pgboss.job, postbus.history')
  const pruned = await shop.bus.publish(Paid({ euro: 3 }, { id }))

  expect([done.events[0], pruned.events[0]]).toEqual([isDuplicate, isDuplicate])
  expect(await payments()).toEqual([1])
  expect(await storedCounts(shop.database)).toEqual({ events: 1, deliveries: 0 })
})

test('after a rollback it is not a duplicate', async () => {
  await one.query('begin')
  await shop.bus.publish(Paid({ euro: 1 }, { id }), { tx: one })
  await one.query('rollback')

  const { events } = await shop.bus.publish(Paid({ euro: 2 }, { id }))

  expect(events).toEqual([isStored])
  expect(await payments()).toEqual([2])
})

test('after the rollback of a savepoint it is not a duplicate', async () => {
  await one.query('begin')
  await one.query('savepoint part')
  await shop.bus.publish(Paid({ euro: 1 }, { id }), { tx: one })
  await one.query('rollback to savepoint part')
  const { events } = await shop.bus.publish(Paid({ euro: 2 }, { id }), { tx: one })
  await one.query('commit')

  expect(events).toEqual([isStored])
  expect(await payments()).toEqual([2])
})

test.each([
  { end: 'commit', second: isDuplicate, stays: [1] },
  { end: 'rollback', second: isStored, stays: [2] },
])('in two transactions at once, the second waits for the $end of the first', async ({ end, second, stays }) => {
  await one.query('begin')
  await two.query('begin')
  await shop.bus.publish(Paid({ euro: 1 }, { id }), { tx: one })
  const waiting = shop.bus.publish(Paid({ euro: 2 }, { id }), { tx: two })
  await until('the second transaction waits for a lock', () => isWaitingForLock())
  await one.query(end)
  const { events } = await waiting
  await two.query('commit')

  expect(events).toEqual([second])
  expect(await payments()).toEqual(stays)
  expect(await storedCounts(shop.database)).toEqual({ events: 1, deliveries: 2 })
})

test('a duplicate creates no deliveries, even if a handler of the event has none', async () => {
  await shop.bus.publish(Paid({ euro: 1 }, { id }))
  await shop.database.query(`delete from pgboss.job where data ->> 'handler' = 'email.thank'`)

  const { events } = await shop.bus.publish(Paid({ euro: 1 }, { id }))

  expect(events).toEqual([isDuplicate])
  expect(await storedCounts(shop.database)).toEqual({ events: 1, deliveries: 1 })
})

test('forty publishers of the same ten ids store each of them once', async () => {
  const ids = Array.from({ length: 10 }, (_, number) => `01890000-0000-7000-8000-00000000010${number}`)

  const results = await Promise.all(
    ids.flatMap((each) => [1, 2, 3, 4].map((euro) => shop.bus.publish(Paid({ euro }, { id: each })))),
  )

  expect(results.flatMap(({ events }) => events).filter(({ duplicate }) => !duplicate)).toHaveLength(10)
  expect(await storedCounts(shop.database)).toEqual({ events: 10, deliveries: 20 })
})

async function payments(): Promise<number[]> {
  const events = await storedEvents(shop.database)
  return events.map(({ payload }) => (JSON.parse(payload) as { json: { euro: number } }).json.euro)
}

async function isWaitingForLock(): Promise<boolean> {
  const { rowCount } = await shop.database.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rowCount === 1
}
