/** pg-boss's own workers on one of our queues, by mistake: they get no delivery, and doctor reports the attempts. */
import { PgBoss } from 'pg-boss'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { createBus, defineEvent, defineHandler } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { until } from '../support/until.ts'

const Paid = defineEvent('finances.paid', {
  schema: z.object({ n: z.number(), account: z.string().nullable() }),
  partitionKey: (data) => data.account,
})

let shop: TestBus
let boss: PgBoss
let handled: number[]
let errors: string[]

beforeEach(async () => {
  handled = []
  errors = []
  const book = defineHandler('finances.book', { on: Paid, handle: (event) => void handled.push(event.data.n) })
  shop = await openTestBus({ handlers: [book] })
  boss = new PgBoss({ connectionString: shop.connectionString, supervise: false, schedule: false })
  boss.on('error', (error) => errors.push(error.message))
  await boss.start()
})

afterEach(async () => {
  await boss.stop({ graceful: false })
  await shop.close()
})

const TEN = Array.from({ length: 10 }, (_, n) => n)
const publishTen = (account: (n: number) => string | null) =>
  shop.bus.publish(TEN.map((n) => Paid({ n, account: account(n) })))

test.each([
  { queue: 'events', account: () => null },
  { queue: 'events_partitioned', account: (n: number) => `NL0${n}` },
])(
  'boss.work("$queue") gets none of our deliveries and an error with the reason, and our handler runs them all',
  async (one) => {
    await publishTen(one.account)
    let taken = 0
    await boss.work(one.queue, { batchSize: 10 }, async (fetched) => void (taken += fetched.length))
    await until('it has been refused', () => errors.length > 0)

    const counts = await shop.bus.worker().drain()

    expect(taken).toBe(0)
    expect(errors[0]).toContain(`Queue "${one.queue}" holds deliveries of Postbus: pg-boss must not fetch them`)
    expect(counts.done).toBe(10)
    expect(handled.toSorted((a, b) => a - b)).toEqual(TEN)
  },
)

test('boss.fetch() is refused for one delivery and for many, and does not change them', async () => {
  await publishTen(() => null)
  const before = await jobs()

  for (const options of [{}, { batchSize: 5 }, { includeMetadata: true }, { ignoreStartAfter: true }]) {
    await expect(boss.fetch('events', options)).rejects.toMatchObject({ code: 'PB004' })
  }

  expect(await jobs()).toEqual(before)
})

test('a job of the application in its own queue is fetched and completed as usual', async () => {
  await boss.createQueue('reports', { retryLimit: 3 })
  await boss.send('reports', { month: 5 })

  const [job] = await boss.fetch('reports')
  await boss.complete('reports', job!.id)

  expect(await boss.getJobById('reports', job!.id)).toMatchObject({ state: 'completed' })
})

test('boss.complete() is refused for a delivery that our worker runs', async () => {
  const running = Promise.withResolvers<void>()
  const mayEnd = Promise.withResolvers<void>()
  const slow = defineHandler('finances.book', {
    on: Paid,
    async handle(event) {
      handled.push(event.data.n)
      running.resolve()
      await mayEnd.promise
    },
  })
  const bus = createBus({ connectionString: shop.connectionString, handlers: [slow], onSignal: () => undefined })
  const worker = bus.worker()
  await worker.start()
  await bus.publish(Paid({ n: 1, account: null }))
  await running.promise
  const [job] = await jobs()

  await expect(boss.complete('events', job!.id)).rejects.toMatchObject({ code: 'PB004' })

  mayEnd.resolve()
  await until('it has ended', async () => (await jobs()).length === 0)
  expect(worker.counts()).toMatchObject({ done: 1 })
  await worker.stop()
  await bus.close()
})

test('showing, cancelling, resuming and deleting a delivery by its id still work', async () => {
  await publishTen(() => null)
  const [one, two] = await jobs()

  expect(await boss.getJobById('events', one!.id)).toMatchObject({ state: 'created' })
  expect(await boss.getQueueStats('events')).toMatchObject([{ queuedCount: 10 }])
  await boss.cancel('events', one!.id)
  expect(await boss.getJobById('events', one!.id)).toMatchObject({ state: 'cancelled' })
  await boss.resume('events', one!.id)
  await boss.deleteJob('events', two!.id)
  await shop.bus.worker().drain()

  expect(handled).toHaveLength(9)
})

test('doctor reports that a program asks pg-boss for our deliveries', async () => {
  await publishTen(() => null)
  await boss.work('events', async () => undefined)
  await until('it has been refused', () => errors.length > 0)

  const findings = await shop.bus.doctor()

  expect(findings).toContainEqual({
    check: 'queues',
    status: 'problem',
    message: expect.stringContaining(
      'pg-boss was asked for deliveries of Postbus, by boss.work() or boss.fetch(), and was refused, the last time at ',
    ) as unknown,
  })
})

test('doctor reports deliveries completed without a handler, and a disabled guard; migrate restores the guard', async () => {
  await publishTen(() => null)
  await shop.database.query(
    'alter table pgboss.job_common disable trigger postbus_guard_fetch, disable trigger postbus_guard_complete',
  )
  const taken = await boss.fetch('events', { batchSize: 3 })
  await boss.complete(
    'events',
    taken.map(({ id }) => id),
  )

  const off = await shop.bus.doctor()
  await boss.stop({ graceful: false })
  const { steps } = await shop.bus.migrate()
  const on = await shop.bus.doctor()

  const queues = (findings: typeof off) => findings.filter(({ check }) => check === 'schema' || check === 'queues')
  expect(queues(off).filter(({ status }) => status === 'problem')).toEqual([
    expect.objectContaining({
      check: 'schema',
      message: expect.stringContaining('Run: npx postbus migrate') as unknown,
    }),
  ])
  expect(steps).toEqual(['install the functions of "postbus"'])
  expect(queues(on)).toContainEqual({
    check: 'queues',
    status: 'warning',
    message: expect.stringContaining(
      '3 deliveries were completed by something other than Postbus, so their handlers may not have run',
    ) as unknown,
  })
  await boss.start()
  await expect(boss.fetch('events')).rejects.toMatchObject({ code: 'PB004' })
})

async function jobs() {
  const { rows } = await shop.database.query<{ id: string; state: string }>(
    'select id, state::text from pgboss.job order by id',
  )
  return rows
}
