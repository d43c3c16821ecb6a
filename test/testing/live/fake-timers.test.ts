/** Under fake timers the database, the drain and the kit use real time, and events use the time that the test sets. */
import { mock } from 'node:test'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { drainEvents } from '../../../src/testing/drain/drain.ts'
import { currentTime, travelTo } from '../../../src/testing/time/time.ts'
import { openTestBus, type TestBus } from '../../support/bus.ts'
import { anotherBus, handlerThat, NoteTaken } from '../../support/notes.ts'
import { emptyTables } from '../../support/stored.ts'

let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus()
  return () => opened.close()
})

afterEach(async () => {
  vi.useRealTimers()
  mock.timers.reset()
  await emptyTables(opened.database)
})

const SET = new Date('2031-02-03T04:05:06Z')

test.each([
  ['vi.useFakeTimers()', () => void vi.useFakeTimers({ now: SET })],
  ['only setSystemTime()', () => void vi.setSystemTime(SET)],
  [
    'everything but nextTick',
    () =>
      void vi.useFakeTimers({
        now: SET,
        toFake: ['setTimeout', 'setImmediate', 'setInterval', 'Date', 'performance', 'queueMicrotask'],
      }),
  ],
  [
    'timers of node:test',
    () => mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'], now: SET }),
  ],
])('a test publishes and drains, with retries, under %s', async (_, fake) => {
  const runs: { n: number; occurredAt: Date; attempt: number }[] = []
  const handler = handlerThat(
    (n, { attempt }) => {
      runs.push({ n, occurredAt: new Date(), attempt })
      if (attempt === 1) throw new Error('not yet')
    },
    { maxAttempts: 2, timeoutMs: 1_000 },
  )
  const bus = anotherBus(opened, [handler])
  fake()

  const event = NoteTaken({ n: 1, key: 'red' }, { metadata: {}, occurredAt: new Date() })
  await bus.publish([event, NoteTaken({ n: 2 })])
  const counts = await drainEvents({ bus, withRetries: true })

  expect(counts).toEqual({ done: 2, failed: 2, dead: 0, snoozed: 0 })
  expect(event.occurredAt.toISOString()).toBe(SET.toISOString())
  const { rows } = await opened.database.query<{ at: string }>(
    `select to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') as at from postbus.event order by seq`,
  )
  expect(rows.map(({ at }) => at)).toEqual(['2031-02-03T04:05:06', '2031-02-03T04:05:06'])
  await bus.close()
})

test('travelling to a faked Date moves the deliveries’ time there', async () => {
  vi.useFakeTimers({ now: SET })

  await travelTo(new Date(), { bus: opened.bus })
  const there = await currentTime({ bus: opened.bus })
  await drainEvents({ bus: opened.bus, until: new Date(SET.getTime() + 60_000) })

  expect(there.getTime() - SET.getTime()).toBeLessThan(60_000)
})
