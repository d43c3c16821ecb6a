/** F18, F20: nothing reaches the database any more, and no error reports that. */
import { expect, test } from 'vitest'
import { openStage, type Stage } from '../support/stage.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

interface Around {
  onTestFinished(done: () => Promise<void>): void
}

test.concurrent(
  'F20: what a worker that is cut off was running moves to another one, and counts once',
  async (around) => {
    const { stage, proxy, worker } = await aStageBehindAProxy(around)
    await stage.publish({ ms: 20_000, laterMs: 100 }, { ms: 20_000, laterMs: 100, key: 'red' })
    await steps(stage, 'start', 2)
    const other = await stage.worker()

    proxy.set('blackhole')
    const cutOffAt = await stage.trace.now()
    const starts = await steps(stage, 'start', 4, 25_000)
    await stage.publish({ ms: 10 })
    await stage.settled(40_000)

    expect(starts.slice(2).map(({ pid, attempt }) => [pid, attempt])).toEqual([
      [other.pid, 2],
      [other.pid, 2],
    ])
    expect(starts[3]!.at - cutOffAt).toBeLessThan(15_000)
    const states = (await stage.deliveries()).map(({ state, errors }) => [state, errors])
    expect(states).toEqual([
      ['completed', ['POSTBUS_WORKER_DIED']],
      ['completed', ['POSTBUS_WORKER_DIED']],
      ['completed', []],
    ])
    await worker.signalled('database.unreachable')
  },
  90_000,
)

test.concurrent(
  'F18: a worker goes on by itself when the black hole closes',
  async (around) => {
    const { stage, proxy, worker } = await aStageBehindAProxy(around, {
      queryTimeoutMs: 2_000,
      connectTimeoutMs: 2_000,
    })
    await stage.publish({ ms: 10 })
    await stage.settled()

    proxy.set('blackhole')
    await worker.signalled('database.unreachable')
    await stage.publish({ ms: 10 }, { ms: 10, key: 'red' })
    proxy.set('pass')
    const healedAt = await stage.trace.now()
    const starts = await steps(stage, 'start', 3, 20_000)

    console.log(`F18: handlers ran ${Math.round(starts[2]!.at - healedAt)} ms after the black hole closed`)
    expect(starts[2]!.at - healedAt).toBeLessThan(15_000)
  },
  120_000,
)

test.concurrent(
  'F18: a worker in a black hole stops in time',
  async (around) => {
    const { stage, proxy, worker } = await aStageBehindAProxy(around)
    await stage.publish({ task: 'hang' }, { ms: 500, key: 'red' })
    await steps(stage, 'start', 2)

    proxy.set('blackhole')
    const signalledAt = performance.now()
    worker.kill('SIGTERM')
    const exit = await worker.exited

    console.log(`F18: exit ${Math.round(exit.at - signalledAt)} ms after SIGTERM with 1 s of grace`)
    expect(exit.code).toBe(1)
    expect(exit.at - signalledAt).toBeLessThan(1_000 + 5_000 + 1_000)
  },
  120_000,
)

async function aStageBehindAProxy({ onTestFinished }: Around, settings: object = {}) {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  const proxy = await openTcpProxy(stage.connectionString)
  onTestFinished(() => proxy.close())
  const connectionString = proxy.through(stage.connectionString)
  const worker = await stage.worker({ connectionString, words: ['--grace-ms', '1000'], ...settings })
  return { stage, proxy, worker }
}

async function steps(stage: Stage, step: string, count: number, limitMs?: number) {
  const found = async () => (await stage.trace.entries()).filter((entry) => entry.step === step)
  await until(`${count} times ${step}`, async () => (await found()).length >= count, limitMs)
  return found()
}
