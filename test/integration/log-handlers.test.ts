/** Handlers that read the log get each event once, in order per key. A failed event continues as an ordinary delivery. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { discard, skip, snooze } from '../../src/index.ts'
import { numbers, openStoredEvents, type StoredEvents } from '../support/stored-events.ts'
import { until } from '../support/until.ts'

let stored: StoredEvents

beforeAll(async () => {
  stored = await openStoredEvents()
})

afterEach(() => stored.tidy())

afterAll(() => stored.close())

test('a publish writes no delivery for such a handler, and a worker runs each event once, in order', async () => {
  const bus = await readingBus()
  await using worker = bus.worker()
  await worker.start()

  await stored.publish(bus, numbers(50))
  await until('all have run', () => stored.ran.length >= 50)

  expect(await jobs()).toEqual([])
  expect(stored.took()).toEqual(numbers(50))
})

test('a failed event is tried again as a delivery in its lane, and later events wait behind it', async () => {
  const failing = new Set([2])
  const bus = await readingBus({}, (n) => {
    if (failing.delete(n)) throw new Error('not now')
  })
  await using worker = bus.worker()
  await worker.start()

  await stored.publish(bus, numbers(5))
  await stored.publish(bus, [6, 7], 'two')
  await until('all have run', () => stored.ran.length >= 8)

  const one = stored.ran.filter(({ n }) => n <= 5)
  expect(one.map(({ n, attempt }) => [n, attempt])).toEqual([
    [1, 1],
    [2, 1],
    [2, 2],
    [3, 1],
    [4, 1],
    [5, 1],
  ])
  await until('nothing is left', async () => (await jobs()).length === 0)
  await stored.publish(bus, [8])
  await until('the key is back in the log', () => stored.ran.some(({ n }) => n === 8))
  expect(await jobs()).toEqual([])
})

test('skips, discards and snoozes end as for every handler', async () => {
  const snoozed = new Set([3])
  const bus = await readingBus({ maxAttempts: 2 }, (n) => {
    if (n === 1) return skip('nothing to do')
    if (n === 2) return discard('never')
    if (n === 3 && snoozed.delete(3)) return snooze({ seconds: 0.01 })
    if (n === 4) throw new Error('always')
    return undefined
  })
  await using worker = bus.worker()
  await worker.start()

  for (const n of numbers(5)) await stored.publish(bus, [n], `key ${n}`)
  await until('all have ended', async () => (await bus.deadLetters.count()) === 2 && stored.ran.length >= 7)

  const { rows } = await stored.database.query('select outcome, detail from postbus.history where outcome is not null')
  expect(rows).toEqual([{ outcome: 'skipped', detail: { reason: 'nothing to do' } }])
  expect(stored.ran.filter(({ n }) => n === 3).map(({ attempt }) => attempt)).toEqual([1, 1])
  const { deadLetters } = await bus.deadLetters.list()
  expect(deadLetters.map(({ reason }) => reason).toSorted()).toEqual(['always', 'never'])
})

async function readingBus(options = {}, does?: (n: number) => unknown) {
  const bus = stored.busWith([stored.noting('notes.take', { delivery: 'log', shards: 4, ...options }, does)])
  await bus.migrate()
  return bus
}

async function jobs() {
  const { rows } = await stored.database.query(
    `select id, state, start_after from pgboss.job where state < 'completed'`,
  )
  return rows
}
