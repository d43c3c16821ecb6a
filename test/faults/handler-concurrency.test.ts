/** The limits of a handler when processes are killed: they hold, nothing of what was set aside is lost, and keys keep their order. */
import { expect, onTestFinished, test } from 'vitest'
import { startEmbeddedServer } from '../support/embedded-server.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { lost, mostAtOnce, needlessRepeats } from '../support/trace-checks.ts'
import { until } from '../support/until.ts'
import { conflictsIn, orderUnderLoad } from './order-under-load.ts'

test('what a killed worker has set aside runs elsewhere, and the cluster gets its slots back', async () => {
  const handlers = [{ name: 'faults.steady', concurrency: { perProcess: 2, cluster: 3 } }]
  const stage = await openStage({ handlers })
  onTestFinished(() => stage.close())
  const doomed = await stage.worker()
  const running = await stage.publish({ ms: 60_000, laterMs: 1 }, { ms: 60_000, laterMs: 1, key: 'red' })
  await until('two run', async () => (await stage.trace.entries()).length === 2)
  const waiting = await stage.publish(...Array.from({ length: 100 }, (_, n) => ({ key: n % 2 ? `key ${n}` : null })))
  await until('it has set aside what it cannot run', async () => (await setAside(stage)) > 0)

  doomed.kill('SIGKILL')
  await doomed.exited
  const interruptions = [{ pid: doomed.pid, from: await stage.trace.now() }]
  await stage.worker()
  await stage.worker()
  await stage.settled(30_000)

  const trace = await stage.trace.entries()
  const expected = [...running, ...waiting].map((eventId) => ({ handler: 'faults.steady', eventId }))
  expect([...lost(expected, trace), ...needlessRepeats(trace, interruptions)]).toEqual([])
  expect(mostAtOnce(trace, interruptions)).toBeLessThanOrEqual(3)
}, 60_000)

test('each key keeps its order under the limits of its handler, while publishers and workers are killed', async () => {
  const server = await startEmbeddedServer({ max_connections: '200' })
  onTestFinished(() => server.remove())
  const stage = await openStage({
    handlers: [{ name: 'faults.steady', maxAttempts: 50, concurrency: { perProcess: 3, cluster: 4 } }],
    server: server.connectionString,
  })
  onTestFinished(() => stage.close())
  const seed = Date.now() % 1_000_000
  const load = { workers: 2, publishers: 2, keys: 20, kills: 1, killEveryMs: 1_200 }

  const report = await orderUnderLoad(stage, { ...load, seed })

  console.log(`order with limits: seed ${seed}: ${JSON.stringify(report)}`)
  expect([...report.problems, ...conflictsIn(await server.log())]).toEqual([])
  expect(report.runs).toBeGreaterThan(0)
}, 90_000)

async function setAside({ database }: Stage): Promise<number> {
  const { rowCount } = await database.query(`select from pgboss.job where blocked and group_tier = 'set aside'`)
  return rowCount ?? 0
}
