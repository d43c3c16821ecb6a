/** `rateLimit`: attempts start evenly spread, and all processes together start at most the limit in a period. */
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { AnyHandler, HandlerOptions } from '../../src/index.ts'
import { createConnection } from '../../src/backends/postgres/connection.ts'
import { paceIn } from '../../src/backends/postgres/deliveries/pace.ts'
import { tablesIn } from '../../src/backends/postgres/schema/tables.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { mostWithin, recordGrants } from '../support/granted.ts'
import { anotherBus, handlerThat, NoteTaken } from '../support/notes.ts'
import { until } from '../support/until.ts'

const RATE = { limit: 20, perMs: 1_000 }

/** The limit's interval, plus a small margin: see `pacer.ts`. */
const EVERY_MS = 1.02 * (RATE.perMs / RATE.limit)

let opened: TestBus
let granted: Awaited<ReturnType<typeof recordGrants>>

beforeAll(async () => {
  opened = await openTestBus({}, { ownServer: true })
  granted = await recordGrants(opened.database)
  return () => opened.close()
})

test('start times that several processes request at once are never closer than the limit allows', async () => {
  const { connectionString } = opened
  const connection = createConnection({ connectionString, poolSize: 4, connectTimeoutMs: 5_000, queryTimeoutMs: 5_000 })
  onTestFinished(() => connection.close())
  const store = paceIn(connection, tablesIn({ postbus: 'postbus', pgboss: 'pgboss' }))
  const ask = (wanted: number) => store.grant({ handler: 'notes.asked', wanted, everyMs: 10, withinMs: 500 })

  const answers = await Promise.all([5, 1, 3, 20, 1, 100].map((wanted) => ask(wanted)))

  expect(answers.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(50)
  expect(answers.reduce((sum, { count }) => sum + count, 0)).toBeLessThan(130)
  const { rows } = await opened.database.query<{ ahead: number }>(
    `select extract(epoch from next_at - clock_timestamp())::float8 * 1000 as ahead from postbus.pace where handler = 'notes.asked'`,
  )
  expect(rows[0]!.ahead).toBeLessThan(520)
  expect((await ask(1_000)).nextMs).toBeGreaterThan(400)
})

test.each([
  ['jobs', {}],
  ['jobs in lanes', {}],
  ['the log', { delivery: 'log', shards: 4 }],
] as const)(
  'two workers keep the limit together, and do not delay other handlers of the queue: %s',
  async (way, options) => {
    const began: number[] = []
    const others: number[] = []
    const name = `notes.paced-by-${way.replaceAll(' ', '-')}`
    const handlers = () => [
      paced(name, () => void began.push(performance.now()), options),
      handlerThat(() => void others.push(performance.now()), { name: `${name}-beside` }),
    ]
    const buses = [aBus(handlers()), aBus(handlers())]
    const workers = buses.map((bus) => bus.worker())
    for (const worker of workers) await worker.start()
    onTestFinished(async () => void (await Promise.all(workers.map((worker) => worker.stop()))))

    await buses[0]!.publish(
      Array.from({ length: 45 }, (_, n) => NoteTaken({ n, key: way === 'jobs' ? null : `key ${n % 9}` })),
    )
    await until('all are handled', () => began.length === 45 && others.length === 45)

    const times = await granted(name, EVERY_MS)
    expect(times.length).toBeGreaterThanOrEqual(45)
    expect(mostWithin(times, RATE.perMs)).toBeLessThanOrEqual(RATE.limit)
    expect(mostWithin(began, RATE.perMs)).toBeLessThanOrEqual(RATE.limit + 2) // each process starts an attempt a little after its granted time
    expect(Math.max(...others)).toBeLessThan(began[30]!)
  },
)

test('a delivery that would wait too long is deferred without an attempt, and its slot stays free', async () => {
  const began: number[] = []
  const bus = aBus([
    paced('notes.seldom', () => void began.push(performance.now()), { rateLimit: { limit: 1, perMs: 3_000 } }),
  ])
  await using worker = bus.worker({ pollMs: 200 })
  await worker.start()

  const { events } = await bus.publish([1, 2].map((n) => NoteTaken({ n })))
  await until('both are handled', () => began.length === 2)

  expect(began[1]! - began[0]!).toBeGreaterThan(2_900)
  const statuses = await Promise.all(events.map(({ id }) => bus.events.status(id)))
  await until('both are settled', async () => (await bus.events.status(events[1]!.id))!.isFinished)
  expect(statuses.flatMap((status) => status!.deliveries.map(({ attempts }) => attempts)).every((n) => n <= 1)).toBe(
    true,
  )
})

function paced(name: string, does: () => void, options: HandlerOptions = {}): AnyHandler {
  return handlerThat(() => does(), { name, rateLimit: RATE, ...options })
}

function aBus(handlers: AnyHandler[]) {
  const bus = anotherBus(opened, handlers)
  onTestFinished(() => bus.close())
  return bus
}
