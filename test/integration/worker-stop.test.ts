/** Claims when a worker stops, and when a claim is lost: no delivery is forgotten, and none runs twice at once. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Worker, WorkerOptions } from '../../src/index.ts'
import { openTestBus, type TestBus } from '../support/bus.ts'
import { anotherBus, aSignal, handlerThat, NoteTaken, storedNotes, type Doing } from '../support/notes.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

test.concurrent.for([
  ['a stop', { shutdownGraceMs: 10_000 }, 'start'],
  ['a stop without grace', { shutdownGraceMs: 0 }, 'start'],
  ['a stop without grace, of one queue', { shutdownGraceMs: 0, queues: { events: 10 } }, 'start'],
  ['a stop of a drain', { shutdownGraceMs: 10_000 }, 'drain'],
] as const)(
  '%s gives back, untouched, the deliveries that a claim returns meanwhile',
  async ([, options, how], around) => {
    const runs: number[] = []
    const { opened, slowly } = await behindASlowLine(around, (n) => runs.push(n))
    const worker = slowly.worker(options)
    await opened.bus.publish([1, 2, 3].map((n) => NoteTaken({ n })))

    const run = worker[how]()
    await active(opened, 3)
    await worker.stop()
    await run

    expect(runs).toEqual([])
    expect((await storedNotes(opened)).map(({ state, used }) => [state, used])).toEqual([
      ['retry', 0],
      ['retry', 0],
      ['retry', 0],
    ])
  },
)

test('handlers that fail because they were asked to stop have not failed', async () => {
  const obedient: Doing = (_, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('told to stop')))
    })
  const { opened, worker } = await working(obedient, { queues: { events: 200 }, shutdownGraceMs: 0 })
  await opened.bus.publish(Array.from({ length: 200 }, (_, n) => NoteTaken({ n })))
  await active(opened, 200)
  await opened.database.query('analyze') // with statistics, as autovacuum makes them, Postgres chooses other plans

  const report = await worker.stop()

  expect(report).toEqual({ givenBack: 200 })
  const states = (await storedNotes(opened)).map(({ state, used }) => `${state} ${used}`)
  expect(states).toEqual(Array(200).fill('retry 0'))
  expect(worker.counts()).toEqual({ done: 0, failed: 0, dead: 0, snoozed: 0 })
})

test('a handler that ends before the grace is over has ended, however late it is settled', async () => {
  const first = aSignal()
  const second = aSignal()
  const finished: number[] = []
  const { opened, worker } = await working(
    async (n) => {
      if (n === 1) await first.promise
      if (n === 2) await second.promise
      if (n === 3) await new Promise(() => undefined)
      finished.push(n)
    },
    { shutdownGraceMs: 200 },
  )
  await opened.bus.publish([1, 2, 3].map((n) => NoteTaken({ n })))
  await active(opened, 3)
  const blocker = await opened.database.connect()
  await blocker.query('begin; select from pgboss.job for update')
  first.resolve()
  await until('the first is on its way to be settled', async () => (await waitingForLocks(opened)) === 1)
  second.resolve()
  await until('two have finished', () => finished.length === 2)

  const stopping = worker.stop()
  await blocker.query('select pg_sleep(1)') // longer than the grace
  await blocker.query('commit')
  blocker.release()

  expect(await stopping).toEqual({ givenBack: 1 })
  expect((await storedNotes(opened)).map(({ state, used }) => [state, used])).toEqual([
    ['completed', 1],
    ['completed', 1],
    ['retry', 0],
  ])
})

test('a delivery whose claim was lost and that returns to the same worker waits for the handler that still runs', async () => {
  const finish = aSignal()
  let running = 0
  let most = 0
  const attempts: number[] = []
  const { opened, worker } = await working(
    async (_, { attempt }) => {
      attempts.push(attempt)
      most = Math.max(most, (running += 1))
      if (attempt === 1) await finish.promise
      running -= 1
    },
    { pollMs: 50 },
  )
  await opened.bus.publish(NoteTaken({ n: 1, key: 'red' }))
  await until('it runs', () => running === 1)

  await opened.database.query(`update pgboss.job set state = 'retry', start_after = now(), heartbeat_on = null`)
  await until('it was claimed again', async () => (await claims(opened)) >= 1)
  await opened.database.query('select pg_sleep(0.3)') // time to start it wrongly
  finish.resolve()
  await until('it is done', async () => (await storedNotes(opened))[0]?.state === 'completed')

  expect(most).toBe(1)
  expect(attempts).toEqual([1, 2])
  expect(worker.counts()).toEqual({ done: 1, failed: 0, dead: 0, snoozed: 0 })
})

test('claims are kept while the clock of the machine is set back', async () => {
  const finish = aSignal()
  const { opened } = await working(() => finish.promise)
  await opened.bus.publish(NoteTaken({ n: 1 }))
  await active(opened, 1)
  const before = await heartbeat(opened)

  const real = Date.now.bind(Date)
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => real() - 86_400_000)
  onTestFinished(() => clock.mockRestore())

  await expect.poll(() => heartbeat(opened), { timeout: 8_000 }).toBeGreaterThan(before)
  finish.resolve()
})

async function working(does: Doing, options: WorkerOptions = {}): Promise<{ opened: TestBus; worker: Worker }> {
  const opened = await openTestBus({ handlers: [handlerThat(does, { maxAttempts: 3 })] })
  onTestFinished(() => opened.close())
  const worker = opened.bus.worker({ shutdownGraceMs: 500, ...options })
  onTestFinished(async () => void (await worker.stop()))
  await worker.start()
  return { opened, worker }
}

interface Around {
  onTestFinished(done: () => Promise<void>): void
}

/** Two buses on one database. For one of them each direction of the connection takes 150 ms. */
async function behindASlowLine(around: Around, does: Doing) {
  const handlers = [handlerThat(does, { maxAttempts: 3 })]
  const opened = await openTestBus({ handlers })
  around.onTestFinished(() => opened.close())
  const proxy = await openTcpProxy(opened.connectionString)
  around.onTestFinished(() => proxy.close())
  proxy.delay(150)
  const slowly = anotherBus({ connectionString: proxy.through(opened.connectionString) }, handlers)
  around.onTestFinished(() => slowly.close())
  return { opened, slowly }
}

async function active(opened: TestBus, count: number): Promise<void> {
  await until(`${count} are claimed`, async () => {
    return (await storedNotes(opened)).filter(({ state }) => state === 'active').length === count
  })
}

async function waitingForLocks({ database }: TestBus): Promise<number> {
  const { rows } = await database.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows.length
}

/** The number of times that it was claimed again. */
async function claims({ database }: TestBus): Promise<number> {
  const { rows } = await database.query<{ count: number }>('select retry_count as count from pgboss.job')
  return rows[0]?.count ?? -1
}

async function heartbeat({ database }: TestBus): Promise<number> {
  const { rows } = await database.query<{ at: number }>(
    'select extract(epoch from heartbeat_on)::float8 as at from pgboss.job',
  )
  return rows[0]?.at ?? Number.NaN
}
