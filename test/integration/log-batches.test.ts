/** Batch handlers that read the log: events of keys in order, several at once, and failed ones continue as deliveries. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { failed, type Bus } from '../../src/index.ts'
import { seeded } from '../faults/kills-under-load.ts'
import { tracing } from '../support/batch-trace.ts'
import { batched, type BatchOptions, type Batched, type DoingBatch } from '../support/batches.ts'
import { NoteTaken } from '../support/notes.ts'
import { outOfOrder, overtaken, type PublishedTurn } from '../support/order-checks.ts'
import { numbers, openStoredEvents, type StoredEvents } from '../support/stored-events.ts'
import { lost, needlessRepeats, overlaps } from '../support/trace-checks.ts'
import type { TraceEntry } from '../support/trace.ts'
import { until } from '../support/until.ts'

let stored: StoredEvents

beforeAll(async () => {
  stored = await openStoredEvents()
})

afterEach(() => stored.tidy())

afterAll(() => stored.close())

test('consecutive events are one batch, up to its size, and leave no delivery', async () => {
  const { bus, batches } = await readingBus(undefined, { batchSize: 4, maxWaitMs: 60_000 })
  await stored.publish(bus, numbers(5))
  await stored.publish(bus, [6, 7, 8], null)
  await using worker = bus.worker()
  await worker.start()

  await passed()

  expect(batches.map((batch) => batch.toSorted((one, other) => one - other))).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ])
  expect(await jobs()).toEqual([])
})

test('a batch that is not full begins after `maxWaitMs`, and the next worker gets one that has not begun', async () => {
  const slow = await readingBus(undefined, { maxWaitMs: 60_000 })
  await stored.publish(slow.bus, [1, 2])
  const worker = slow.bus.worker()
  await worker.start()
  await until('it reads', async () => (await owned()) > 0)
  await worker.stop()

  const quick = await readingBus(undefined, { maxWaitMs: 1 })
  await using next = quick.bus.worker()
  await next.start()
  await passed()

  expect([slow.batches, quick.batches]).toEqual([[], [[1, 2]]])
})

test('a failed event continues as a delivery, later ones of its key count as not run, and the others are done', async () => {
  const { bus, batches } = await readingBus((events, { outcomes, deliveryOf }) => {
    const second = events.find((event) => event.data.n === 2 && deliveryOf(event).attempt === 1)
    if (second) outcomes.set(second, failed('not now'))
  })
  const attempts = new Map<number, number>()
  await stored.publish(bus, [1, 2, 3])
  await stored.publish(bus, [4], 'two')
  await using worker = bus.worker()
  await worker.start()

  await passed()

  const ran = batches.flat()
  for (const n of ran) attempts.set(n, (attempts.get(n) ?? 0) + 1)
  expect(Object.fromEntries(attempts)).toEqual({ 1: 1, 2: 2, 3: 2, 4: 1 })
  expect(ran.slice(4)).toEqual([2, 3])
})

test('two workers keep the order of each key, though members fail and a shard moves', async () => {
  const seed = Date.now() % 1_000_000
  const random = seeded(seed)
  const trace: TraceEntry[] = []
  const crews = [1, 2].map((pid) => tracing(pid, trace, { batchSize: 20, delivery: 'log', shards: 8 }))
  const buses = crews.map(({ handler }) => stored.busWith([handler]))
  await buses[0]!.migrate()
  const published: PublishedTurn[] = []
  const turns = new Map<string, number>()
  const events = Array.from({ length: 300 }, (_, n) => {
    const key = `key ${Math.floor(random() * random() * 12)}`
    const turn = (turns.get(key) ?? 0) + 1
    turns.set(key, turn)
    const event = NoteTaken({ n, key, text: random() < 0.08 ? 'fails first' : 'ok' })
    published.push({ eventId: event.id, key, turn })
    return event
  })
  const publish = async (from: number, to: number) => {
    for (let first = from; first < to; first += 15) await buses[0]!.publish(events.slice(first, first + 15))
  }

  await publish(0, 150)
  await using one = buses[0]!.worker({ pollMs: 100 })
  await one.start()
  await until('it works', () => trace.length > 50)
  await using other = buses[1]!.worker({ pollMs: 100 })
  await other.start()
  await publish(150, 225)
  await until('they share the shards', async () => (await owners()) === 2) // otherwise the first worker could finish everything before
  await publish(225, 300)
  await until('the other one works', () => trace.some(({ pid }) => pid === 2))
  await passed()

  const expected = published.map(({ eventId }) => ({ handler: 'notes.store', eventId }))
  const problems = [outOfOrder(published, trace), overtaken(published, trace), overlaps(trace), lost(expected, trace)]
  expect({ seed, problems: [...problems.flat(), ...needlessRepeats(trace)] }).toEqual({ seed, problems: [] })
  expect(trace.filter(({ step }) => step === 'fail').length).toBeGreaterThan(5)
})

async function readingBus(does?: DoingBatch, options: BatchOptions = {}): Promise<Batched & { readonly bus: Bus }> {
  const made = batched(does, { delivery: 'log', shards: 4, ...options })
  const bus = stored.busWith([made.handler])
  await bus.migrate()
  return { ...made, bus }
}

async function passed(): Promise<void> {
  await until('all is done', async () => (await behind()) === 0 && (await jobs()).length === 0)
}

async function owners(): Promise<number> {
  const { rows } = await stored.database.query('select distinct owner from postbus.log_cursor where owner is not null')
  return rows.length
}

async function behind(): Promise<number> {
  const { rows } = await stored.database.query(
    'select from postbus.log_cursor one where one.position < (select max(seq) from postbus.event)',
  )
  return rows.length
}

async function owned(): Promise<number> {
  return (await stored.database.query('select from postbus.log_cursor where owner is not null')).rows.length
}

async function jobs() {
  return (await stored.database.query(`select id, state from pgboss.job where state < 'completed'`)).rows
}
