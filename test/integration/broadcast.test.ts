/** Broadcasts on Postgres: every process that listens hears them, at the commit and in order, and learns when it may have missed some. */
import type { PoolClient } from 'pg'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createBus, defineEvent, defineHandler, upcast } from '../../src/index.ts'
import { z } from 'zod'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { aListener, hears } from '../support/listening.ts'
import { NoteTaken } from '../support/notes.ts'
import { emptyTables, storedCounts } from '../support/stored.ts'
import { until } from '../support/until.ts'

const handled: number[] = []
const handlers = [defineHandler('notes.take', { on: NoteTaken, handle: ({ data }) => void handled.push(data.n) })]
const note = (n: number, text?: string) => NoteTaken({ n, ...(text !== undefined && { text }) })
const LONG = 'ä'.repeat(5_000)
let shop: TestBus

beforeAll(async () => {
  shop = await openTestBus({ handlers })
  return () => shop.close()
})

beforeEach(async () => {
  await emptyTables(shop.database)
  await shop.database.query('truncate postbus.broadcast')
})

test('every listening process hears a broadcast, also its sender; nothing is stored, and no handler runs', async () => {
  const listeners = [await aListener(shop), await aListener(shop)]

  await listeners[0]!.bus.broadcast([note(1), note(2)])
  for (const listener of listeners) await hears(listener, 2)

  expect(listeners.map(({ heard }) => heard)).toEqual([
    [1, 2],
    [1, 2],
  ])
  expect(await storedCounts(shop.database)).toEqual({ events: 0, deliveries: 0 })
  expect(await shop.bus.worker().drain()).toMatchObject({ done: 0 })
})

test('the event arrives unchanged, with the trace of its publisher, and each listener gets its own copy', async () => {
  const Priced = defineEvent('shop.priced', { schema: z.object({ at: z.date(), ids: z.set(z.bigint()) }) })
  const seen: unknown[] = []
  const bus = createBus({ connectionString: shop.connectionString, source: 'shop', onSignal: () => undefined })
  onTestFinished(() => bus.close())
  for (const on of [Priced, 'shop.*', [/priced$/, NoteTaken]]) await bus.listen(on, (event) => seen.push(event))
  await bus.listen('orders.*', (event) => seen.push(event))
  const event = Priced({ at: new Date(0), ids: new Set([1n]) }, { metadata: { tenant: 'acme' }, ttlMs: 1_000 })

  await bus.withContext({ correlationId: 'request 7' }, () => bus.broadcast(event))
  await until('all have heard it', () => seen.length === 3)

  const expected = { ...event, source: 'shop', correlationId: 'request 7' }
  expect(seen).toEqual([expected, expected, expected])
  expect(new Set(seen.map((one) => (one as typeof event).data.ids)).size).toBe(3)
})

test('a broadcast in a transaction is heard at the commit, never after a rollback, also not of a savepoint', async () => {
  const listener = await aListener(shop)
  await inTransaction('rollback', (tx) => shop.bus.broadcast(note(1), { tx }))
  await inTransaction('commit', async (tx) => {
    await shop.bus.broadcast(note(2), { tx })
    await tx.query('savepoint one')
    await shop.bus.broadcast(note(3, LONG), { tx })
    await tx.query('rollback to one')
    await shop.bus.broadcast(note(4), { tx: 'own' })
    await hears(listener, 4)
    expect(listener.heard).toEqual([4])
  })
  await hears(listener, 2)

  expect(listener.heard).toEqual([4, 2])
})

test('a broadcast belongs to the surrounding transaction, like a publish', async () => {
  let current: PoolClient | undefined
  const listener = await aListener(shop, 'a', { currentTransaction: () => current, requireTransaction: true })

  await inTransaction('rollback', async (tx) => {
    current = tx
    await listener.bus.broadcast(note(1))
  })
  current = undefined
  await listener.bus.broadcast(note(2), { tx: 'own' })
  await hears(listener, 2)

  expect(listener.heard).toEqual([2])
  await expect(listener.bus.broadcast(note(3))).rejects.toMatchObject({
    code: 'POSTBUS_TRANSACTION_REQUIRED',
    message: expect.stringMatching(/^broadcast\(\) .*broadcast\.test\.ts/),
  })
  await expect(listener.bus.broadcast(note(3), { tx: undefined as never })).rejects.toThrow('broadcast(): `tx`')
})

test('a broadcast that is too long for a notification arrives too, in order', async () => {
  const listener = await aListener(shop)

  for (const n of [1, 2, 3, 4, 5]) await shop.bus.broadcast(note(n, n % 2 ? undefined : LONG))
  await hears(listener, 5)

  expect(listener.heard).toEqual([1, 2, 3, 4, 5])
})

test('a long broadcast deletes those older than ten minutes, except in a transaction that this could fail', async () => {
  const stored = async () => (await shop.database.query('select from postbus.broadcast')).rowCount
  await shop.bus.broadcast([note(1, LONG), note(2, LONG), note(3)])
  expect(await stored()).toBe(2)
  await shop.database.query(`update postbus.broadcast set sent_at = now() - interval '11 minutes'`)

  await inTransaction('commit', async (tx) => {
    await tx.query('set transaction isolation level repeatable read')
    await shop.bus.broadcast(note(4, LONG), { tx })
  })
  expect(await stored()).toBe(3)
  await shop.bus.broadcast(note(5, LONG))

  expect(await stored()).toBe(2)
})

test('a stored broadcast that is gone counts as missed, and the next one is heard', async () => {
  const listener = await aListener(shop)

  await inTransaction('commit', async (tx) => {
    await shop.bus.broadcast([note(1, LONG), note(2)], { tx })
    await tx.query('delete from postbus.broadcast')
  })
  await hears(listener, 2)

  expect(listener.missed).toMatchObject([{ reason: 'unreadable' }])
})

test('an older version arrives as the newest one, and a listener learns that it missed a newer version', async () => {
  const v1 = defineEvent('orders.placed', { schema: z.object({ total: z.number() }) })
  const v2 = defineEvent('orders.placed', {
    schema: z.object({ cents: z.number() }),
    version: 2,
    upcasts: { 1: upcast(v1, ({ total }) => ({ cents: total * 100 })) },
  })
  const [newer, older]: unknown[][] = [[], []]
  const missed: unknown[] = []
  const bus = createBus({ connectionString: shop.connectionString, onSignal: () => undefined })
  onTestFinished(() => bus.close())
  await bus.listen(v2, ({ data }) => newer!.push(data))
  await bus.listen(v1, ({ data }) => older!.push(data), { onMissed: ({ reason }) => missed.push(reason) })

  await bus.broadcast([v1({ total: 1 }), v2({ cents: 250 })])
  await until('both are through', () => newer!.length === 2)

  expect({ newer, older, missed }).toEqual({
    newer: [{ cents: 100 }, { cents: 250 }],
    older: [{ total: 1 }],
    missed: ['unreadable'],
  })
})

test('each process hears a renamed type under its own name, from old and new code', async () => {
  const schema = z.object({ n: z.number() })
  const Old = defineEvent('orders.made', { schema })
  const New = defineEvent('orders.placed', { schema, previousNames: ['orders.made'] })
  const heard: string[] = []
  const buses = [Old, New].map((event) =>
    createBus({ connectionString: shop.connectionString, events: [event], onSignal: () => undefined }),
  )
  onTestFinished(async () => void (await Promise.all(buses.map((bus) => bus.close()))))
  const [before, after] = buses
  await before!.listen(Old, ({ type, data }) => heard.push(`before ${data.n} ${type}`))
  await after!.listen(New, ({ type, data }) => heard.push(`after ${data.n} ${type}`))

  await before!.broadcast(Old({ n: 1 }))
  await after!.broadcast(New({ n: 2 }))
  await until('both have heard both', () => heard.length === 4)

  expect(heard.toSorted()).toEqual([
    'after 1 orders.placed',
    'after 2 orders.placed',
    'before 1 orders.made',
    'before 2 orders.made',
  ])
})

async function inTransaction(end: 'commit' | 'rollback', work: (tx: PoolClient) => Promise<unknown>): Promise<void> {
  const tx = await shop.database.connect()
  try {
    await tx.query('begin')
    await work(tx)
    await tx.query(end)
  } finally {
    tx.release()
  }
}
