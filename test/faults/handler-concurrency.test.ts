/** The limits of a handler when a process is killed: they hold, and no delivery that was set aside is lost. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage, type Stage } from '../support/stage.ts'
import { lost, mostAtOnce, needlessRepeats } from '../support/trace-checks.ts'
import { until } from '../support/until.ts'

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

async function setAside({ database }: Stage): Promise<number> {
  const { rowCount } = await database.query(`select from pgboss.job where blocked and group_tier = 'set aside'`)
  return rowCount ?? 0
}
