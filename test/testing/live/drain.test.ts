/** Draining: every due delivery runs as in a worker, and time moves when the test says so. */
import { afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { failed, discard, snooze, type AnyHandler } from '../../../src/index.ts'
import { drainEvents } from '../../../src/testing/drain/drain.ts'
import { currentTime } from '../../../src/testing/time/time.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { anotherBus, handlerThat, NoteTaken } from '../../support/notes.ts'
import { emptyTables } from '../../support/stored.ts'
import { until } from '../../support/until.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

afterEach(() => emptyTables(opened.database))

test('every due delivery in all queues is handled and counted', async () => {
  const runs: number[] = []
  const bus = aBus([
    handlerThat((n) => runs.push(n)),
    handlerThat((n) => runs.push(n * 10), { name: 'notes.copy', queue: 'copies' }),
  ])
  await bus.migrate()
  await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2, key: 'red' }), NoteTaken({ n: 3, key: 'red' })])

  const counts = await drainEvents({ bus })

  expect(runs.toSorted((one, other) => one - other)).toEqual([1, 2, 3, 10, 20, 30])
  expect(counts).toEqual({ done: 6, failed: 0, dead: 0, snoozed: 0 })
})

test('a handler with a backfill gets events at once: a test has no history', async () => {
  const runs: number[] = []
  const bus = aBus([handlerThat((n) => runs.push(n), { backfill: { since: new Date(0) } })])
  await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2, key: 'red' })])

  expect(await drainEvents({ bus })).toMatchObject({ done: 2 })
  expect(runs.toSorted((one, other) => one - other)).toEqual([1, 2])
})

test('events that handlers publish are drained too', async () => {
  const runs: number[] = []
  const handler = handlerThat(async (n, { publish }) => {
    runs.push(n)
    if (n < 5) await publish(NoteTaken({ n: n + 1, key: n % 2 ? 'red' : null }))
  })
  const bus = aBus([handler])
  await bus.publish(NoteTaken({ n: 1 }))

  const counts = await drainEvents({ bus })

  expect({ runs, done: counts.done }).toEqual({ runs: [1, 2, 3, 4, 5], done: 5 })
})

test('with retries, a delivery that became due while others ran is run too', async () => {
  let runs = 0
  const bus = aBus([
    handlerThat(() => (runs++ === 0 ? failed('not now') : undefined), { name: 'notes.again', backoff: () => 500 }),
    // On a slow machine the drain may have run it already.
    handlerThat(() => until('the other is due', async () => runs > 1 || (await due()) === 1), { name: 'notes.slow' }),
  ])
  const due = async () => {
    const { rows } = await opened.database.query<{ count: number }>(
      `select count(*)::integer as count from pgboss.job where state = 'retry' and start_after < now()`,
    )
    return rows[0]!.count
  }
  await bus.publish(NoteTaken({ n: 1 }))

  const counts = await drainEvents({ bus, withRetries: true })

  expect(counts).toMatchObject({ done: 2, failed: 1 })
})

test('a handler that fails four times ends in five attempts without waiting', async () => {
  const attempts: number[] = []
  const bus = aBus([
    handlerThat(
      (_, { attempt }) => {
        attempts.push(attempt)
        if (attempt < 5) throw new Error('not yet')
      },
      { backoff: { initialMs: 3_600_000, factor: 2, jitter: 0.1 } },
    ),
  ])
  await bus.publish(NoteTaken({ n: 1, key: 'red' }))
  const started = performance.now()

  const counts = await drainEvents({ bus, withRetries: true })

  expect(attempts).toEqual([1, 2, 3, 4, 5])
  expect(counts).toEqual({ done: 1, failed: 4, dead: 0, snoozed: 0 })
  expect(performance.now() - started).toBeLessThan(4 * 2_000) // polls before each retry would take this long
})

test('without `withRetries` a failed attempt waits for a later drain', async () => {
  const bus = aBus([handlerThat((_, { attempt }) => (attempt === 1 ? failed('once') : undefined), LATER)])
  await bus.publish(NoteTaken({ n: 1 }))

  const first = await drainEvents({ bus })
  const second = await drainEvents({ bus })
  const third = await drainEvents({ bus, withRetries: true })

  expect([first, second, third]).toEqual([
    { done: 0, failed: 1, dead: 0, snoozed: 0 },
    { done: 0, failed: 0, dead: 0, snoozed: 0 },
    { done: 1, failed: 0, dead: 0, snoozed: 0 },
  ])
})

test('dead letters are counted, with their failed attempts', async () => {
  const bus = aBus([handlerThat((n) => (n === 1 ? discard('never') : failed('no')), { ...LATER, maxAttempts: 3 })])
  await bus.publish([NoteTaken({ n: 1 }), NoteTaken({ n: 2, key: 'red' })])

  const counts = await drainEvents({ bus, withRetries: true })

  expect(counts).toEqual({ done: 0, failed: 2, dead: 2, snoozed: 0 })
  expect((await bus.deadLetters.list()).deadLetters.map(({ reason }) => reason).toSorted()).toEqual(['never', 'no'])
})

test('retries and snoozes run in the order of their due times, over days', async () => {
  const runs: string[] = []
  const bus = aBus([
    handlerThat(
      (_, { attempt }) => {
        runs.push(`attempt ${attempt}`)
        if (attempt < 4) throw new Error('again')
      },
      { backoff: (attempt) => attempt * 24 * 3_600_000 },
    ),
    handlerThat(() => (runs.push('snoozing'), runs.length < 6 ? snooze({ hours: 30 }) : undefined), {
      name: 'notes.nap',
    }),
  ])
  await bus.publish(NoteTaken({ n: 1, key: 'red' }))

  await drainEvents({ bus, withRetries: true, queues: { events_partitioned: 1 } })

  expect(runs.slice(2)).toEqual(['attempt 2', 'snoozing', 'snoozing', 'attempt 3', 'snoozing', 'attempt 4'])
})

test('`until` moves time to that point and no further', async () => {
  const bus = aBus([handlerThat(() => snooze({ minutes: 20 }))])
  await bus.publish(NoteTaken({ n: 1 }))
  const before = await currentTime({ bus })

  const hour = await drainEvents({ bus, until: { hours: 1 } })
  const passedMs = (await currentTime({ bus })).getTime() - before.getTime()
  const anotherHour = await drainEvents({ bus, until: new Date(before.getTime() + 2 * 3_600_000) })

  expect({ hour, anotherHour }).toMatchObject({ hour: { snoozed: 3 }, anotherHour: { snoozed: 3 } })
  expect(passedMs).toBeGreaterThanOrEqual(3_600_000)
  expect(passedMs).toBeLessThan(3_610_000)
})

test('a handler that always snoozes ends the drain with an error that names it', async () => {
  const bus = aBus([handlerThat(() => snooze({ hours: 1 }))])
  await bus.publish(NoteTaken({ n: 1 }))

  const draining = drainEvents({ bus, withRetries: true })

  await expect(draining).rejects.toMatchObject({
    code: 'POSTBUS_DRAIN_ENDLESS',
    message: expect.stringMatching(/"notes\.take", notes\.note-taken .* was snoozed, 100 times/),
  })
})

test('an endless chain of events ends the drain with an error that names the handler', async () => {
  const bus = aBus([handlerThat(async (n, { publish }) => void (await publish(NoteTaken({ n: n + 1 }))))])
  await bus.publish(NoteTaken({ n: 1 }))

  const draining = drainEvents({ bus, maxAttempts: 50 })

  await expect(draining).rejects.toMatchObject({
    code: 'POSTBUS_DRAIN_ENDLESS',
    message: expect.stringContaining('after 50 attempts, most of them of handler "notes.take" (51)'),
  })
})

test('a delivery of a removed handler ends the drain with the handler’s name', async () => {
  const publisher = aBus([handlerThat(() => undefined, { name: 'notes.removed' })])
  await publisher.publish(NoteTaken({ n: 1 }))

  const draining = drainEvents({ bus: aBus([]), withRetries: true })

  await expect(draining).rejects.toThrow(/"notes\.removed".* was put back: No handler is named "notes\.removed"/)
})

test('a database error ends the drain at once, without another try', async () => {
  const { database } = opened
  const bus = aBus([handlerThat(async () => undefined)])
  await bus.publish(NoteTaken({ n: 1 }))
  await database.query('alter table postbus.event rename to hidden')

  const draining = drainEvents({ bus })

  await expect(draining).rejects.toThrow('relation "postbus.event" does not exist')
  await database.query('alter table postbus.hidden rename to event')
})

test('an option that does not exist is refused', async () => {
  const { bus } = opened

  // @ts-expect-error: the option is called withRetries
  await expect(drainEvents({ bus, withRetry: true })).rejects.toMatchObject({ code: 'POSTBUS_INVALID_OPTIONS' })
  await expect(drainEvents()).rejects.toMatchObject({ code: 'POSTBUS_NO_TEST_BUS' })
})

const LATER = { backoff: { initialMs: 3_600_000, factor: 1, jitter: 0 } } as const

function aBus(handlers: AnyHandler[]) {
  const bus = anotherBus(opened, handlers)
  onTestFinished(() => bus.close())
  return bus
}
