/** The visible state of handlers that read the log, and how an operator moves them. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineHandler, type HandlerOptions } from '../../src/index.ts'
import { aSignal } from '../support/notes.ts'
import { numbers, openStoredEvents, type StoredEvents } from '../support/stored-events.ts'
import { until } from '../support/until.ts'

const Ended = defineEvent('imports.ended', { schema: z.object({ n: z.number() }) })
let stored: StoredEvents

beforeAll(async () => {
  stored = await openStoredEvents()
})

afterEach(() => stored.tidy())

afterAll(() => stored.close())

test('an event waits for a handler until its cursor has passed the event, and is then done', async () => {
  const bus = await readingBus()
  const { events } = await stored.publish(bus, [1])
  const id = events[0]!.id
  expect(await bus.events.status(id)).toMatchObject({
    isFinished: false,
    deliveries: [{ handler: 'notes.take', state: 'waiting', attempts: 0 }],
  })

  await using worker = bus.worker()
  await worker.start()

  expect(await bus.events.whenFinished(id, { timeoutMs: 10_000 })).toMatchObject({
    isFinished: true,
    deliveries: [{ handler: 'notes.take', state: 'done', attempts: 1 }],
  })
})

test('an event that failed in the log is shown as a delivery', async () => {
  const bus = await readingBus({ maxAttempts: 1 }, () => {
    throw new Error('no')
  })
  const { events } = await stored.publish(bus, [1])
  await using worker = bus.worker()
  await worker.start()

  const { deliveries } = await bus.events.whenFinished(events[0]!.id, { timeoutMs: 10_000 })

  expect(deliveries).toMatchObject([{ handler: 'notes.take', state: 'dead', attempts: 1, errors: [{ message: 'no' }] }])
})

test('the lag of a handler is that of its slowest shard', async () => {
  const bus = await readingBus()
  await stored.publish(bus, numbers(3))

  expect(await bus.log.list()).toEqual([
    {
      handler: 'notes.take',
      shards: 4,
      read: 0,
      position: expect.any(String),
      lag: { events: 3, seconds: expect.any(Number) },
      movedAt: expect.any(Date),
      change: null,
      changingSince: null,
    },
  ])
  await using worker = bus.worker()
  await worker.start()
  await until('nothing lies behind', async () => (await bus.log.list())[0]?.lag.events === 0)
  expect(await bus.log.list()).toMatchObject([{ read: 4, lag: { events: 0, seconds: 0 } }])
})

test('a handler that is rewound while it runs gets the events again from that event, in order and one at a time', async () => {
  const end = aSignal()
  let running = 0
  let most = 0
  const bus = await readingBus({}, async (n) => {
    running += 1
    most = Math.max(most, running)
    if (n === 4) await end.promise
    running -= 1
  })
  const { events } = await stored.publish(bus, numbers(5))
  await using worker = bus.worker()
  await worker.start()
  await until('the fourth runs', () => stored.ran.length === 4)

  const { count } = await bus.log.rewind({ handler: 'notes.take', to: events[1]!.id }, { by: 'ada' })
  end.resolve()
  await until('all have run again', () => stored.ran.at(-1)?.n === 5)

  expect(count).toBeGreaterThan(0)
  const runs = stored.took()
  expect(runs.slice(0, 4)).toEqual([1, 2, 3, 4])
  expect(runs.slice(runs.lastIndexOf(2))).toEqual([2, 3, 4, 5])
  expect(most).toBe(1)
  expect(await bus.acts.list()).toMatchObject({ acts: [{ act: 'log.rewind', by: 'ada', count }] })
})

test('an idle handler learns that it was rewound, even if nothing is published', async () => {
  const bus = await readingBus()
  const { events } = await stored.publish(bus, numbers(3))
  await using worker = bus.worker()
  await worker.start()
  await until('nothing lies behind', async () => (await bus.log.list())[0]?.lag.events === 0)

  await bus.log.rewind({ handler: 'notes.take', to: events[1]!.id })
  await until('it reads again', () => stored.ran.length === 5)

  expect(stored.took()).toEqual([1, 2, 3, 2, 3])
})

test('a handler does not get events that an operator skips', async () => {
  const bus = await readingBus()
  const { events } = await stored.publish(bus, numbers(4))

  await bus.log.skipTo({ handler: 'notes.take', to: events[2]!.id })
  await using worker = bus.worker()
  await worker.start()
  await until('it has read', () => stored.ran.length === 2)
  expect(stored.took()).toEqual([3, 4])

  await bus.pause({ handler: 'notes.take' })
  await stored.publish(bus, [5])
  await bus.log.skipTo({ handler: 'notes.take', to: 'end' })
  await bus.resume({ handler: 'notes.take' })
  await stored.publish(bus, [6])
  await until('it goes on', () => stored.ran.some(({ n }) => n === 6))
  expect(stored.took().at(-1)).toBe(6)
})

test('a finished event waits for the log, even if all deliveries are done', async () => {
  const seen: string[] = []
  const followed = defineEvent('imports.begun', {
    schema: z.object({ n: z.number() }),
    finishedEvent: (event) => Ended({ n: event.data.n }),
  })
  const bus = stored.busWith([
    defineHandler('imports.read', { on: followed, delivery: 'log', shards: 1, handle: () => void seen.push('read') }),
    defineHandler('imports.count', { on: followed, handle: () => void seen.push('counted') }),
    defineHandler('imports.celebrate', { on: Ended, handle: () => void seen.push('ended') }),
  ])
  await bus.migrate()
  await bus.pause({ handler: 'imports.read' })
  await bus.publish(followed({ n: 1 }))
  await using worker = bus.worker()
  await worker.start()
  const rowsOf = async (table: string) => (await stored.database.query(`select from postbus.${table}`)).rowCount
  await until('the delivery is settled', async () => (await rowsOf('history')) === 1)
  const follows = await rowsOf('finish')

  await bus.resume({ handler: 'imports.read' })
  await until('it has ended', () => seen.includes('ended'))

  expect(follows).toBe(1)
  expect(seen).toEqual(['counted', 'read', 'ended'])
})

test.each([
  [
    'an event that is not stored',
    { handler: 'notes.take', to: '0198c0de-0000-7000-8000-000000000000' },
    'POSTBUS_NO_SUCH_EVENT',
  ],
  ['what is no event', { handler: 'notes.take', to: 'yesterday' }, 'POSTBUS_INVALID_OPTIONS'],
  ['an unknown field', { handler: 'notes.take', to: 'end', shard: 1 }, 'POSTBUS_INVALID_OPTIONS'],
])('a move to %s is refused', async (_, move, code) => {
  const bus = await readingBus()

  await expect(bus.log.skipTo(move)).rejects.toMatchObject({ code })
})

test('the finished event comes when the log has been read too', async () => {
  const followed = defineEvent('imports.begun', {
    schema: z.object({ n: z.number() }),
    finishedEvent: (event) => Ended({ n: event.data.n }),
  })
  const seen: string[] = []
  const bus = stored.busWith([
    defineHandler('imports.read', {
      on: followed,
      delivery: 'log',
      shards: 2,
      handle: (_event, { attempt }) => {
        seen.push(`read ${attempt}`)
        if (attempt === 1) throw new Error('not yet')
      },
      backoff: { initialMs: 10, factor: 1, jitter: 0 },
    }),
    defineHandler('imports.celebrate', { on: Ended, handle: () => void seen.push('ended') }),
  ])
  await bus.migrate()
  await bus.publish(followed({ n: 1 }))
  await using worker = bus.worker()
  await worker.start()

  await until('it has ended', () => seen.includes('ended'))

  expect(seen).toEqual(['read 1', 'read 2', 'ended'])
})

test('a single key cannot be rewound, and the error names the command that can be used', async () => {
  const bus = await readingBus()
  const { events } = await stored.publish(bus, [1])
  const lane = { handler: 'notes.take', partitionKey: 'one' }

  const rewinding = bus.lanes.rewind({ ...lane, from: events[0]!.id })

  await expect(rewinding).rejects.toMatchObject({
    code: 'POSTBUS_READS_THE_LOG',
    message: expect.stringContaining('postbus log rewind notes.take'),
  })
  await expect(bus.lanes.repair(lane)).rejects.toMatchObject({ code: 'POSTBUS_READS_THE_LOG' })
})

test('doctor names a handler that stands still, and a publisher that holds readers back', async () => {
  const bus = await readingBus()
  await stored.publish(bus, [1])
  const readers = async () => (await bus.doctor()).find(({ check }) => check === 'readers')
  expect(await readers()).toEqual({
    check: 'readers',
    status: 'ok',
    message: '1 handler reads the log, at most 1 events behind',
  })

  await stored.database.query(`update postbus.event set published_at = now() - interval '2 minutes'`)
  await stored.database.query(`update postbus.log_cursor set moved_at = now() - interval '2 minutes'`)

  expect(await readers()).toMatchObject({
    status: 'warning',
    message: expect.stringMatching(
      /^"notes.take" stands still, 1 events behind: 4 of its 4 shards are read by no worker/,
    ),
  })
})

async function readingBus(options: HandlerOptions = {}, does?: (n: number) => unknown) {
  const bus = stored.busWith([stored.noting('notes.take', { delivery: 'log', shards: 4, ...options }, does)])
  await bus.migrate()
  return bus
}
