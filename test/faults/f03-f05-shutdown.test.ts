/** F3, F4, F5: what SIGTERM does to a worker whose handlers finish in time, to one whose handlers do not, and what a second SIGTERM does. */
import { expect, test } from 'vitest'
import { openStage, type Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'

interface Around {
  onTestFinished(done: () => Promise<void>): void
}

const ONCE = { name: 'faults.once', maxAttempts: 1 }

test.concurrent(
  'F3: after SIGTERM nothing new starts, what runs is finished, and the process exits with 0',
  async (around) => {
    const stage = await aStage(around)
    const worker = await stage.worker({ words: ['--queues', 'events=8'] })
    await stage.publish(...Array.from({ length: 20 }, () => ({ ms: 1_500 })))
    await steps(stage, 'start', 8)

    worker.kill('SIGTERM')
    const signalledAt = await stage.trace.now()
    const { code } = await worker.exited

    const trace = await stage.trace.entries()
    expect(code).toBe(0)
    expect(trace.filter(({ step, at }) => step === 'start' && at > signalledAt + 100)).toEqual([])
    expect(trace.filter(({ step }) => step === 'end')).toHaveLength(8)
    const states = (await stage.deliveries()).map(({ state, retryCount }) => `${state} ${retryCount}`)
    expect(states.filter((state) => state === 'completed 0')).toHaveLength(8)
    expect(states.filter((state) => state === 'created 0')).toHaveLength(12)
  },
)

test.concurrent(
  'F4: what is not finished when the grace is over is given back without using its only attempt',
  async (around) => {
    const stage = await aStage(around, { handlers: [ONCE] })
    const worker = await stage.worker({ words: ['--grace-ms', '1000'] })
    const tasks = (['hang', 'obey', 'obey', 'obey', 'work'] as const).map((task) => ({
      task,
      ms: 60_000,
      for: ONCE.name,
    }))
    await stage.publish(...tasks)
    await steps(stage, 'start', 5)

    const other = await stage.worker()
    const signalledAt = performance.now()
    worker.kill('SIGTERM')
    const exit = await worker.exited
    const exitedAt = await stage.trace.now()

    expect(exit.code).toBe(1)
    expect(exit.at - signalledAt).toBeLessThan(6_000)
    const again = await steps(stage, 'start', 10)
    expect(again.slice(5).map(({ pid, attempt }) => [pid, attempt])).toEqual(
      Array.from({ length: 5 }, () => [other.pid, 1]),
    )
    expect(Math.max(...again.map(({ at }) => at)) - exitedAt).toBeLessThan(4_000)
    expect(await stage.dead()).toEqual([])
    console.log(`F4: exit ${Math.round(exit.at - signalledAt)} ms after SIGTERM with 1 s of grace`)
  },
)

test.concurrent(
  'F4: a worker that cannot give its claims back, because the database is away, says so by its exit code',
  async (around) => {
    const stage = await aStage(around)
    const proxy = await openTcpProxy(stage.connectionString)
    around.onTestFinished(() => proxy.close())
    const worker = await stage.worker({
      words: ['--grace-ms', '1000'],
      connectionString: proxy.through(stage.connectionString),
    })
    await stage.publish({ task: 'hang' })
    await steps(stage, 'start', 1)

    proxy.set('refuse')
    proxy.reset()
    worker.kill('SIGTERM')
    const signalledAt = performance.now()
    const exit = await worker.exited

    expect(exit.code).toBe(1)
    expect(exit.at - signalledAt).toBeLessThan(6_500)
  },
)

test.concurrent('F5: a second signal ends the process at once, if it is not the echo of the first', async (around) => {
  const stage = await aStage(around)
  const worker = await stage.worker({ words: ['--grace-ms', '60000'] })
  await stage.publish({ task: 'hang' })
  await steps(stage, 'start', 1)

  worker.kill('SIGTERM')
  await worker.signalled('worker.stopping')
  const signalledAt = performance.now()
  const again = setInterval(() => worker.kill('SIGINT'), 50)
  const exit = await worker.exited
  clearInterval(again)

  expect(exit).toMatchObject({ code: 1, signal: null })
  expect(exit.at - signalledAt).toBeGreaterThan(800)
  expect(exit.at - signalledAt).toBeLessThan(3_000)
})

test.concurrent('a worker without work exits with 0 as soon as it is told to', async (around) => {
  const stage = await aStage(around)
  const worker = await stage.worker()

  const signalledAt = performance.now()
  worker.kill('SIGINT')
  const exit = await worker.exited

  expect(exit.code).toBe(0)
  expect(exit.at - signalledAt).toBeLessThan(10_000) // its grace is 30 s
  const { rows } = await stage.database.query('select from postbus.worker')
  expect(rows).toHaveLength(0)
})

async function aStage({ onTestFinished }: Around, options: Parameters<typeof openStage>[0] = {}): Promise<Stage> {
  const stage = await openStage(options)
  onTestFinished(() => stage.close())
  return stage
}

async function steps(stage: Stage, step: string, count: number) {
  const found = async () => (await stage.trace.entries()).filter((entry) => entry.step === step)
  await until(`${count} times ${step}`, async () => (await found()).length >= count)
  return found()
}
