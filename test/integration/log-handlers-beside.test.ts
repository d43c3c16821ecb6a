/** Handlers that read the log, and their surroundings: pauses, retries by operators, slow runs, stops, and retention. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { HandlerOptions } from '../../src/index.ts'
import { aSignal } from '../support/notes.ts'
import { numbers, openStoredEvents, type StoredEvents } from '../support/stored-events.ts'
import { until } from '../support/until.ts'

let stored: StoredEvents

beforeAll(async () => {
  stored = await openStoredEvents()
})

afterEach(() => stored.tidy())

afterAll(() => stored.close())

test('a new handler gets events from the migration on', async () => {
  const old = stored.busWith([])
  await stored.publish(old, [1, 2])
  const bus = await readingBus()
  await stored.publish(old, [3])
  await stored.publish(bus, [4])

  await using worker = bus.worker()
  await worker.start()
  await until('it has read', () => stored.ran.length >= 2)

  expect(stored.took()).toEqual([3, 4])
})

test('a handler with a backfill begins where the option says, and its old events are marked as a replay', async () => {
  const old = stored.busWith([])
  await stored.publish(old, [1, 2])
  await stored.database.query(
    `update postbus.event set published_at = '2020-01-01' where (payload -> 'json' ->> 'n') = '1'`,
  )
  const bus = await readingBus({ backfill: { since: new Date('2021-01-01') } })
  await stored.publish(bus, [3])

  await using worker = bus.worker()
  await worker.start()
  await until('it has read', () => stored.ran.length >= 2)

  expect(stored.ran.map(({ n, isReplay }) => [n, isReplay])).toEqual([
    [2, true],
    [3, false],
  ])
})

test('a pause holds the cursor, and the handler later continues there', async () => {
  const reading = { delivery: 'log', shards: 1 } as const
  const bus = stored.busWith([stored.noting('notes.take', reading), stored.noting('notes.other', reading)])
  await bus.migrate()
  await bus.pause({ handler: 'notes.take' })
  await using worker = bus.worker()
  await worker.start()
  await until('they have their shards', async () => (await owners()).every((owner) => owner !== null))
  await stored.publish(bus, numbers(3))
  await until(
    'the other one has read',
    () => stored.ran.filter(({ handler }) => handler === 'notes.other').length === 3,
  )
  expect(stored.took()).toEqual([])

  await bus.resume({ handler: 'notes.take' })
  await until('it goes on', () => stored.ran.length === 3)

  expect(stored.took()).toEqual(numbers(3))
})

test('a paused key waits in its lane, and other keys go on', async () => {
  const bus = await readingBus()
  const lane = { handler: 'notes.take', partitionKey: 'one' }
  await bus.lanes.pause(lane)
  await using worker = bus.worker()
  await worker.start()
  await until('it has its shards', async () => (await owners()).every((owner) => owner !== null))
  await stored.publish(bus, [1, 2])
  await stored.publish(bus, [3], 'two')
  await until('the other key has run', () => stored.ran.length === 1)

  await bus.lanes.resume(lane)
  await until('the key goes on', () => stored.ran.length === 3)

  expect(stored.took()).toEqual([3, 1, 2])
})

test('a retried dead letter runs alone in its key, even after the key is back in the log', async () => {
  let isMended = false
  const running = new Set<number>()
  const together: number[] = []
  const bus = await readingBus({ maxAttempts: 1 }, async (n) => {
    if (running.size > 0) together.push(n)
    running.add(n)
    await new Promise((resolve) => setTimeout(resolve, 5))
    running.delete(n)
    if (n === 1 && !isMended) throw new Error('no')
  })
  await using worker = bus.worker()
  await worker.start()
  await stored.publish(bus, [1])
  await until('it is dead', async () => (await bus.deadLetters.count()) === 1)
  await stored.publish(bus, [2])
  await until('the key is back in the log', () => stored.ran.length === 2)

  isMended = true
  await bus.deadLetters.retry({ all: true })
  await stored.publish(bus, numbers(100, 3))
  await until('all have run', () => stored.ran.length === 103)

  const rest = stored.ran.map(({ n }) => n).filter((n) => n > 1)
  expect(rest).toEqual(numbers(101, 2))
  expect(together).toEqual([])
})

test('a long run does not hold the cursor: it becomes a delivery, which waits for its end', async () => {
  const end = aSignal()
  const bus = await readingBus({ shards: 1 }, (n) => (n === 1 ? end.promise : undefined))
  await using worker = bus.worker()
  await worker.start()
  await stored.publish(bus, [1, 2])
  await stored.publish(bus, [3], 'two')

  await until('the cursor has passed it', async () => (await position()) === (await lastSeq()))
  expect(stored.ran.map(({ n }) => n)).toEqual([1, 3])
  expect(await jobs()).toBe(2)

  end.resolve()
  await until('the next of its key has run', () => stored.ran.length === 3)
  await until('nothing is left', async () => (await jobs()) === 0)
  expect(stored.ran.map(({ n }) => n)).toEqual([1, 3, 2])
})

test('a stop lets running handlers end and gives back the rest, and the next worker repeats nothing', async () => {
  const begun = aSignal()
  const end = aSignal()
  const bus = await readingBus({ shards: 1 }, async (n) => {
    if (n !== 10) return
    begun.resolve()
    await end.promise
  })
  const worker = bus.worker({ queues: { events: 1, events_partitioned: 1 } })
  await worker.start()
  for (const n of numbers(20)) await stored.publish(bus, [n], `key ${n}`)
  await begun.promise

  const stopped = worker.stop()
  end.resolve()
  await stopped
  await using next = bus.worker()
  await next.start()
  await until('all have run', () => stored.ran.length >= 20)

  expect(stored.took().toSorted((one, other) => one - other)).toEqual(numbers(20))
})

test('a handler that runs on after the grace period of a stop is given back, without using an attempt', async () => {
  const begun = aSignal()
  const bus = await readingBus({}, () => {
    begun.resolve()
    return stored.ran.length === 1 ? new Promise(() => undefined) : undefined
  })
  const worker = bus.worker({ shutdownGraceMs: 10 })
  await worker.start()
  await stored.publish(bus, [1])
  await begun.promise

  expect(await worker.stop()).toEqual({ givenBack: 1 })
  await using next = bus.worker()
  await next.start()
  await until('it runs again', () => stored.ran.length === 2)

  expect(stored.ran.map(({ n, attempt }) => [n, attempt])).toEqual([
    [1, 1],
    [1, 1],
  ])
})

test('an event is not pruned before the cursors have passed it', async () => {
  const bus = await readingBus()
  await stored.publish(bus, [1])
  await stored.database.query(`update postbus.event set published_at = '2020-01-01', expires_at = '2020-01-02'`)

  expect(await bus.prune()).toEqual({ events: 0 })
  await stored.database.query('update postbus.log_cursor set position = (select max(seq) from postbus.event)')

  expect(await bus.prune()).toEqual({ events: 1 })
})

async function readingBus(options: HandlerOptions = {}, does?: (n: number) => unknown) {
  const bus = stored.busWith([stored.noting('notes.take', { delivery: 'log', shards: 4, ...options }, does)])
  await bus.migrate()
  return bus
}

async function valueOf<Value>(statement: string): Promise<Value> {
  const { rows } = await stored.database.query<{ value: Value }>(`select (${statement}) as value`)
  return rows[0]?.value as Value
}

const jobs = () => valueOf<number>(`select count(*)::integer from pgboss.job where state < 'completed'`)
const position = () => valueOf<string>('select min(position) from postbus.log_cursor')
const lastSeq = () => valueOf<string>('select max(seq) from postbus.event')
const owners = () => valueOf<(string | null)[]>('select array_agg(owner) from postbus.log_cursor')
