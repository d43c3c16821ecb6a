/** `bus.rates`: how many deliveries handlers ended, and how fast; counted by workers, added up over all of them, by the minute. */
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { defineHandler, discard, skip, snooze } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { anotherBus, handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'
import { until } from '../support/until.ts'

let seen = new Set<number>()

/** Each number ends in its own way. */
function end(n: number): unknown {
  if (n === 2) return skip('nothing to do')
  if (n === 3 && !seen.has(3)) throw new Error('not the first time')
  if (n === 4) return discard('never')
  if (n === 5 && !seen.has(5)) return snooze({ seconds: 1 })
  return undefined
}

const take = handlerThat(
  (n) => {
    const outcome = tryTo(() => end(n))
    seen.add(n)
    return outcome()
  },
  { name: 'notes.take', backoff: () => 1 },
)
const mail = handlerThat(() => new Promise((resolve) => setTimeout(resolve, 60)), { name: 'notes.mail' })
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers: [take, mail] })
  return () => opened.close()
})

beforeEach(async () => {
  seen = new Set()
  await emptyTables(opened.database)
  await opened.database.query('truncate postbus.handler_minute')
})

test('reports how deliveries ended, how many attempts failed, how long handlers ran, and the latency after the event', async () => {
  await publish(1, 2, 3, 4, 5)
  await opened.bus.publish(NoteTaken({ n: 6 }, { ttlMs: 1, occurredAt: new Date(Date.now() - 60_000) }))

  await drained(opened.bus)

  const report = await opened.bus.rates()
  const tookMs = report.until.getTime() - report.since.getTime()
  expect(tookMs).toBeLessThanOrEqual(62 * 60_000)
  const byName = Object.fromEntries(report.handlers.map((one) => [one.handler, one]))
  expect(byName['notes.take']).toMatchObject({ skipped: 1, expired: 1, failed: 1, dead: 1, snoozed: 1 })
  expect(byName['notes.mail']).toMatchObject({ done: 5, skipped: 0, expired: 1, failed: 0, errorShare: 0 })
  expect(byName['notes.mail']?.runMs?.p50).toBeGreaterThan(50)
  expect(byName['notes.mail']?.runMs?.p50).toBeLessThan(1_000)
  expect(byName['notes.mail']?.latencyMs?.p50).toBeGreaterThan(50)
  expect(byName['notes.mail']?.perSecond).toBeCloseTo(6_000 / tookMs, 6)
})

test('the counts of two processes add up in one row per handler and minute', async () => {
  const other = anotherBus(opened, [take, mail])
  await publish(10, 11, 12)
  await drained(opened.bus)
  await publish(13, 14)
  await drained(other)
  await other.close()

  const { handlers } = await opened.bus.rates({ handler: 'notes.mail' })

  expect(handlers).toMatchObject([{ handler: 'notes.mail', done: 5 }])
  const { rows } = await opened.database.query(
    `select sum(ran)::integer as ran from postbus.handler_minute, unnest(run_ms) as ran`,
  )
  expect(rows).toEqual([{ ran: 10 }])
})

test('events that a handler reads from the log are counted too', async () => {
  let handled = 0
  const bus = anotherBus(opened, [handlerThat(() => (handled += 1), { name: 'notes.index', delivery: 'log' })])
  await bus.migrate()
  await bus.publish([1, 2, 3].map((n) => NoteTaken({ n })))
  const worker = bus.worker({ queues: { events: 5 } })
  await worker.start()
  await until('all are handled', () => handled === 3)
  await worker.stop()

  const { handlers } = await bus.rates({ handler: 'notes.index' })

  await bus.close()
  expect(handlers).toMatchObject([
    { handler: 'notes.index', done: 3, latencyMs: { p50: expect.any(Number) as number } },
  ])
})

test('a point is one minute, or stepMs, and values outside the span are not counted', async () => {
  await write('2026-03-01T12:00:00Z', 3, [0, 3])
  await write('2026-03-01T12:01:00Z', 5, [0, 0, 5])
  await write('2026-03-01T12:10:00Z', 7, [])
  await write('2026-03-01T13:00:00Z', 100, [])
  const span = { since: new Date('2026-03-01T12:00:30Z'), until: new Date('2026-03-01T12:59:30Z') }

  const minutes = await opened.bus.rates(span)
  const fives = await opened.bus.rates({ ...span, stepMs: 300_000 })

  const pointsOf = ({ handlers }: typeof minutes) =>
    handlers[0]?.points.map(({ at, done }) => [at.toISOString().slice(11, 16), done])
  expect(minutes).toMatchObject({ since: new Date('2026-03-01T12:00:00Z'), until: new Date('2026-03-01T13:00:00Z') })
  expect(pointsOf(minutes)).toEqual([
    ['12:00', 3],
    ['12:01', 5],
    ['12:10', 7],
  ])
  expect(pointsOf(fives)).toEqual([
    ['12:00', 8],
    ['12:10', 7],
  ])
  expect(fives.handlers[0]).toMatchObject({
    done: 15,
    points: [{ runMs: { p50: expect.any(Number) as number } }, { runMs: null }],
  })
})

test('replayed events are counted, but not in the latency, because they were requested later', async () => {
  await opened.bus.publish(NoteTaken({ n: 10 }, { occurredAt: new Date(Date.now() - 3_600_000) }))
  await drained(opened.bus)
  await opened.database.query('truncate postbus.handler_minute')

  const replay = await opened.bus.replay({ handler: 'notes.mail' })
  await replay.done
  await drained(opened.bus)

  const { handlers } = await opened.bus.rates({ handler: 'notes.mail' })
  expect(handlers).toMatchObject([{ done: 1, latencyMs: null }])
  expect(handlers[0]?.runMs?.p50).toBeGreaterThan(50)
})

test('a renamed handler’s rates continue under its new name', async () => {
  await write('2026-03-01T12:00:00Z', 3, [])
  const handle = () => undefined
  const renamed = anotherBus(opened, [
    defineHandler('notes.keep', { on: NoteTaken, previousNames: ['notes.take'], handle }),
  ])

  const { handlers } = await renamed.rates({
    handler: 'notes.keep',
    since: new Date('2026-03-01T11:00:00Z'),
    until: new Date('2026-03-01T13:00:00Z'),
  })

  await renamed.close()
  expect(handlers).toMatchObject([{ handler: 'notes.keep', done: 3 }])
})

test('rates older than seven days are deleted by the next count', async () => {
  await write('2026-03-01T12:00:00Z', 3, [])
  await opened.database.query(`insert into postbus.handler_minute
    select now() - interval '6 days', handler, done, 0, 0, 0, 0, 0, '{}', '{}' from postbus.handler_minute`)

  await publish(1)
  await drained(opened.bus)

  const { rows } = await opened.database.query(
    `select sum(done)::integer as done from postbus.handler_minute where handler = postbus.handler_number('notes.take')`,
  )
  expect(rows).toEqual([{ done: 4 }])
})

test.for([
  [{ handler: 'No Name' }, 'handler'],
  [{ handler: undefined }, 'handler'],
  [{ handlers: 'notes.take' }, 'handlers'],
  [{ stepMs: 90_000 }, 'expected whole minutes'],
  [{ stepMs: 0 }, 'stepMs'],
  [{ since: new Date('2026-03-02'), until: new Date('2026-03-01') }, 'it ends before it begins'],
  [{ since: new Date('2020-01-01'), stepMs: 60_000 }, 'points, expected at most 2,000'],
] as const)('%o is refused: %s', async ([query, says]) => {
  await expect(opened.bus.rates(query as object)).rejects.toMatchObject({
    code: 'POSTBUS_INVALID_OPTIONS',
    message: expect.stringContaining(says) as string,
  })
})

test('an unknown handler is refused', async () => {
  await expect(opened.bus.rates({ handler: 'notes.unknown' })).rejects.toMatchObject({
    code: 'POSTBUS_UNKNOWN_HANDLER',
  })
})

function tryTo(work: () => unknown): () => unknown {
  try {
    const value = work()
    return () => value
  } catch (error) {
    return () => {
      throw error
    }
  }
}

async function publish(...numbers: readonly number[]): Promise<void> {
  await opened.bus.publish(numbers.map((n) => NoteTaken({ n })))
}

/** Writes a row: this many done in a minute, with these buckets. */
async function write(minute: string, done: number, runMs: readonly number[]): Promise<void> {
  await opened.database.query(
    `insert into postbus.handler_minute select $1, postbus.handler_number('notes.take'), $2, 0, 0, 0, 0, 0, $3, '{}'`,
    [minute, done, runMs],
  )
}
