/** F16, F17: the database did what a worker asked for, but the worker never got the reply. */
import { expect, test } from 'vitest'
import { openStage, type Stage } from '../support/stage.ts'
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

interface Around {
  onTestFinished(done: () => Promise<void>): void
}

test.concurrent('F17: when the answer to a settle is lost, the event is not handled again', async (around) => {
  const { stage, proxy, worker } = await aStageBehindAProxy(around)
  const cut = proxy.cutAfter('postbus_settle')

  await stage.publish({ ms: 10 })
  await cut
  await stage.settled()
  await stage.publish({ ms: 10 })
  await until('the next one is handled', async () => (await ended(stage)) === 2)
  await stage.settled()

  expect((await stage.deliveries()).map(({ state, retryCount }) => [state, retryCount])).toEqual([
    ['completed', 0],
    ['completed', 0],
  ])
  await worker.signalled('database.reachable')
})

test.concurrent(
  'F17: an attempt whose settle takes longer than a claim lives is not run again by others',
  async (around) => {
    const { stage, worker } = await aStageBehindAProxy(around)
    const other = await stage.worker()
    await stage.publish({ ms: 1_000 })
    await stage.entry('it runs', ({ step }) => step === 'start')

    const blocker = await stage.database.connect()
    await blocker.query('begin; select from pgboss.job for update')
    await stage.entry('its handler is done', ({ step }) => step === 'end')
    await blocker.query('select pg_sleep(14)') // longer than a heartbeat and a recovery
    await blocker.query('commit')
    blocker.release()
    await stage.settled()

    expect((await stage.trace.entries()).map(({ step }) => step)).toEqual(['start', 'end'])
    const all = [...worker.signals, ...other.signals].map(({ name }) => name)
    expect(all).not.toContain('delivery.recovered')
  },
  120_000,
)

test.concurrent(
  'F17: an attempt whose settle waits for the next delivery of its key longer than a claim lives is not run again',
  async (around) => {
    const { stage, worker } = await aStageBehindAProxy(around)
    const other = await stage.worker()
    await stage.publish({ ms: 2_000, key: 'red' }, { ms: 10, key: 'red' })
    await stage.entry('it runs', ({ step }) => step === 'start')
    const parked = async () => (await stage.database.query('select from pgboss.job where blocked')).rowCount === 1
    await until('the next one is parked behind it', parked)

    const operator = await stage.database.connect()
    await operator.query('begin')
    await operator.query('select from pgboss.job where blocked for update')
    await stage.entry('its handler is done', ({ step }) => step === 'end')
    await operator.query('select pg_sleep(14)') // longer than a heartbeat, a recovery, and the settle's own patience
    await operator.query('commit')
    operator.release()
    await stage.settled()

    expect((await stage.trace.entries()).map(({ step }) => step)).toEqual(['start', 'end', 'start', 'end'])
    const all = [...worker.signals, ...other.signals].map(({ name }) => name)
    expect(all).not.toContain('delivery.recovered')
  },
  120_000,
)

test.concurrent(
  'F17: a settle that waits for a lock on the dead letters does not hold up its heartbeat',
  async (around) => {
    const { stage } = await aStageBehindAProxy(around)
    const operator = await stage.database.connect()
    around.onTestFinished(async () => operator.release(true))
    await operator.query('begin; lock table postbus.dead_letter')
    await stage.publish({ ms: 10, failures: 1 })
    await stage.entry('it has failed', ({ step }) => step === 'fail')
    await until('its settle waits', async () => {
      const waiting = `select from pg_stat_activity
      where datname = current_database() and query like '%".settle!_2(%' escape '!' and wait_event_type = 'Lock'`
      return (await stage.database.query(waiting)).rowCount === 1
    })

    const heartbeat = async () =>
      (await stage.database.query<{ on: string }>('select heartbeat_on::text as on from pgboss.job')).rows[0]?.on
    const before = await heartbeat()
    await until('a heartbeat came', async () => (await heartbeat()) !== before)

    await operator.query('commit')
    await stage.settled()
    expect((await stage.deliveries()).map(({ state, retryCount }) => [state, retryCount])).toEqual([['completed', 1]])
  },
)

test.concurrent(
  'F16: when the answer to a claim is lost, the event is handled within 15 s, at the cost of an attempt',
  async (around) => {
    const { stage, proxy } = await aStageBehindAProxy(around, ['--queues', 'events=5'])
    let handledAfterMs = 0
    // An empty claim may be on its way too, and be cut instead.
    for (let isHit = false, tries = 0; !isHit && tries < 5; tries += 1) {
      const cut = proxy.cutAfter('postbus_claim')
      const [eventId] = await stage.publish({ ms: 10 })
      const publishedAt = await stage.trace.now()
      await cut
      const start = await stage.entry('it runs', (entry) => entry.step === 'start' && entry.eventId === eventId, 20_000)
      handledAfterMs = start.at - publishedAt
      await stage.settled()
      isHit = start.attempt > 1
    }

    expect(handledAfterMs).toBeLessThan(15_000)
    const deliveries = await stage.deliveries()
    expect(deliveries.at(-1)).toMatchObject({ retryCount: 1, errors: ['POSTBUS_WORKER_DIED'] })
    expect(deliveries.slice(0, -1).every(({ retryCount }) => retryCount === 0)).toBe(true)
    const entries = await stage.trace.entries()
    expect(entries.map(({ step }) => step)).toEqual(deliveries.flatMap(() => ['start', 'end']))
  },
  120_000,
)

async function aStageBehindAProxy({ onTestFinished }: Around, words: readonly string[] = []) {
  const stage: Stage = await openStage()
  onTestFinished(() => stage.close())
  const proxy: TcpProxy = await openTcpProxy(stage.connectionString)
  onTestFinished(() => proxy.close())
  const worker = await stage.worker({ connectionString: proxy.through(stage.connectionString), words })
  return { stage, proxy, worker }
}

async function ended(stage: Stage): Promise<number> {
  return (await stage.trace.entries()).filter(({ step }) => step === 'end').length
}
