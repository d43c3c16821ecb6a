/** Handlers that read the log get a delayed event at its due time and not before, and can wait for a completion from outside. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { awaitCompletion, defineHandler, type Bus } from '../../src/index.ts'
import { NoteTaken } from '../support/notes.ts'
import { openStoredEvents, type StoredEvents } from '../support/stored-events.ts'
import { until } from '../support/until.ts'

const AN_HOUR = 3_600_000
let stored: StoredEvents

beforeAll(async () => {
  stored = await openStoredEvents()
})

afterEach(() => stored.tidy())

afterAll(() => stored.close())

test('an event that is not due becomes a delivery with its due time, and the reader of the log goes on behind it', async () => {
  const bus = await readingBus()
  await using worker = bus.worker({ pollMs: 100 })
  await worker.start()

  const { events } = await bus.publish(NoteTaken({ n: 1 }), { delayMs: AN_HOUR })
  await bus.publish(NoteTaken({ n: 2 }))
  await until('the other one has run', () => stored.ran.length === 1)
  await stored.waits(1)
  const status = await bus.events.status(events[0]?.id ?? '')
  await makeDue()
  await until('it has run', () => stored.ran.length === 2)

  expect(status).toMatchObject({ isFinished: false, deliveries: [{ state: 'waiting', attempts: 0 }] })
  expect(Number(status?.deliveries[0]?.dueAt)).toBeGreaterThan(Date.now() + AN_HOUR / 2)
  expect(stored.took()).toEqual([2, 1])
})

test('a cancelled event is not handled, whether or not the handler has reached it, and its history says so', async () => {
  const bus = await readingBus()
  const unread = await delayed(bus, 1)
  await bus.cancel(unread, { reason: 'before it was read' })
  await using worker = bus.worker({ pollMs: 100 })
  await worker.start()
  const read = await delayed(bus, 2)
  await stored.waits(1)
  await bus.cancel(read, { reason: 'after it was read' })
  await bus.publish(NoteTaken({ n: 3 }))
  await until('the last one has run', () => stored.ran.length === 1)

  await until('both have ended', async () => {
    const statuses = await Promise.all([unread, read].map((id) => bus.events.status(id)))
    return statuses.every((status) => status?.isFinished && status.deliveries[0]?.state === 'cancelled')
  })
  expect(stored.took()).toEqual([3])
})

test('an event that is due before its handler reaches it is handled from the log', async () => {
  const bus = await readingBus()
  await bus.publish(NoteTaken({ n: 1 }), { delayMs: AN_HOUR })
  await makeDue()

  await using worker = bus.worker()
  await worker.start()
  await until('it has run', () => stored.ran.length === 1)

  expect((await stored.database.query('select from pgboss.job')).rowCount).toBe(0)
})

test('an event with a key cannot be delayed for a log handler either, because the key keeps its order', async () => {
  const bus = await readingBus()

  const publishing = bus.publish(NoteTaken({ n: 1, key: 'red' }), { delayMs: AN_HOUR })

  await expect(publishing).rejects.toMatchObject({ code: 'POSTBUS_DELAYED_KEY' })
})

test('a delivery that awaits a completion leaves the log, and its key waits behind it until the completion arrives', async () => {
  const ids = new Map<number, string>()
  const handler = defineHandler('notes.take', {
    on: NoteTaken,
    delivery: 'log',
    shards: 2,
    handle({ data }, { attempt, deliveryId }) {
      stored.ran.push({ handler: 'notes.take', n: data.n, isReplay: false, replayId: null, attempt })
      ids.set(data.n, deliveryId)
      return data.n === 1 ? awaitCompletion({ timeoutMs: AN_HOUR }) : undefined
    },
  })
  const bus = stored.busWith([handler])
  await bus.migrate()
  await using worker = bus.worker({ pollMs: 100 })
  await worker.start()
  const { events } = await bus.publish([1, 2].map((n) => NoteTaken({ n, key: 'red' })))
  await bus.publish(NoteTaken({ n: 3, key: 'blue' }))
  await until('the other key has run', () => stored.ran.length === 2)
  await stored.waits(2)
  const open = await bus.events.status(events[0]?.id ?? '')

  const report = await bus.deliveries.complete(ids.get(1) ?? '')
  await until('the next of the key has run', () => stored.ran.length === 3)
  await stored.waits(0)
  const again = await bus.deliveries.complete(ids.get(1) ?? '')

  expect(open?.deliveries).toMatchObject([{ state: 'awaiting' }])
  expect([report, again]).toEqual([
    { isApplied: true, state: 'done' },
    { isApplied: false, state: 'done' },
  ])
  expect(stored.took()).toEqual([1, 3, 2])
})

async function readingBus(): Promise<Bus> {
  const bus = stored.busWith([stored.noting('notes.take', { delivery: 'log', shards: 2 })])
  await bus.migrate()
  return bus
}

async function delayed(bus: Bus, n: number): Promise<string> {
  const { events } = await bus.publish(NoteTaken({ n }), { delayMs: AN_HOUR })
  return events[0]?.id ?? ''
}

/** As if the hour had passed. */
async function makeDue(): Promise<void> {
  await stored.database.query(`update postbus.event set due_at = now() where due_at is not null`)
  await stored.database.query(`update pgboss.job set start_after = now() where state = 'retry'`)
}
