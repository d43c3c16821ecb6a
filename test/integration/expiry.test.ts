/** An expired event: its handlers are not called, its lanes go on, and it is pruned when nothing waits for it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createBus } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { drained } from '../support/drained.ts'
import { handlerThat, NoteTaken } from '../support/notes.ts'
import { emptyTables } from '../support/stored.ts'

const A_DAY = 86_400_000
const runs: number[] = []
const fails = new Set<number>()
const handlers = [
  handlerThat(
    (n) => {
      runs.push(n)
      if (fails.has(n)) throw new Error('out of ink')
    },
    { name: 'notes.take', maxAttempts: 2, backoff: { initialMs: 3_600_000, factor: 1, jitter: 0 } },
  ),
]
let opened: TestBus

beforeAll(async () => {
  opened = await openTestBus({ handlers, retentionMs: null }) // so that workers prune nothing meanwhile
})

afterAll(() => opened.close())

beforeEach(async () => {
  await emptyTables(opened.database)
  runs.length = 0
  fails.clear()
})

const yesterday = () => new Date(Date.now() - A_DAY)
const expired = (n: number, key: string | null = null) =>
  NoteTaken({ n, key }, { occurredAt: yesterday(), ttlMs: A_DAY / 2 })

test.each([null, 'red'])(
  'with key %s its handler is not called, the history says so, and the next delivery runs',
  async (key) => {
    const { events } = await opened.bus.publish([expired(1, key), NoteTaken({ n: 2, key }, { ttlMs: A_DAY })])

    const counts = await drained(opened.bus)

    expect(runs).toEqual([2])
    expect(counts).toMatchObject({ done: 2, dead: 0 })
    expect((await opened.bus.events.status(events[0]?.id ?? ''))?.deliveries).toMatchObject([
      { handler: 'notes.take', state: 'expired', attempts: 0, reason: expect.stringMatching(/^It expired at /) },
    ])
  },
)

test('an event that expires between two attempts is not tried again, and keeps its errors', async () => {
  fails.add(1)
  const { events } = await opened.bus.publish(NoteTaken({ n: 1 }, { ttlMs: A_DAY }))
  await drained(opened.bus)
  await opened.database.query(`update postbus.event set expires_at = now() - interval '1 second'`)
  await opened.database.query('update pgboss.job set start_after = now()')

  await drained(opened.bus)

  expect(runs).toEqual([1])
  expect((await opened.bus.events.status(events[0]?.id ?? ''))?.deliveries).toMatchObject([
    { state: 'expired', attempts: 1, errors: [{ message: 'out of ink' }] },
  ])
})

test('inline handlers are not called for an expired event either', async () => {
  const bus = createBus({ backend: 'inline', handlers, onSignal: () => undefined })

  await bus.publish([expired(1), NoteTaken({ n: 2 })])

  expect(runs).toEqual([2])
})

test('an expired event is pruned before its retention, unless a delivery waits for it or a dead letter is open', async () => {
  fails.add(3)
  const { events } = await opened.bus.publish([expired(1), NoteTaken({ n: 2 }), NoteTaken({ n: 3 }, { ttlMs: A_DAY })])
  await drained(opened.bus)
  await opened.database.query('update pgboss.job set start_after = now() where state < $1', ['completed'])
  await drained(opened.bus)
  await opened.bus.publish(NoteTaken({ n: 4 }, { ttlMs: A_DAY }))
  await opened.database.query(
    `update postbus.event set expires_at = now() - interval '1 second' where expires_at is not null`,
  )
  const ids = async () => (await opened.database.query('select seq from postbus.event order by seq')).rows.length

  const preview = await opened.bus.prune({ dryRun: true })
  const before = await ids()
  const report = await opened.bus.prune()

  expect([preview, before, report, await ids()]).toEqual([{ events: 1 }, 4, { events: 1 }, 3])
  expect(await opened.bus.events.get(events[0]?.id ?? '')).toBeNull()
  expect(await opened.bus.deadLetters.count()).toBe(1)
})
