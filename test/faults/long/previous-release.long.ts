/** F53: a deploy under load. Publishers and workers of the previous release go on while the current release migrates, starts, and takes over. */
import { expect, onTestFinished, test } from 'vitest'
import { startEmbeddedServer } from '../../support/embedded-server.ts'
import { previousRelease } from '../../support/previous-release.ts'
import { openStage, type Stage } from '../../support/stage.ts'
import { until } from '../../support/until.ts'
import { createTables, ended, judged, publisher } from '../order-under-load.ts'

const KEYS = 60
const MORE = 400

test('F53: the previous release works on while the current one migrates and takes over: nothing is lost, repeated, or out of order', async () => {
  const previous = await previousRelease()
  onTestFinished(() => previous.remove())
  const server = await startEmbeddedServer({ max_connections: '200' })
  onTestFinished(() => server.remove())
  await previous.migrate(server.connectionString)
  const handlers = [{ name: 'faults.steady', maxAttempts: 100 }]
  const stage = await openStage({ handlers, server: server.connectionString, isMigrated: false })
  onTestFinished(() => stage.close())
  const seed = Date.now() % 1_000_000
  const old = { seed, keys: KEYS, code: previous.folder }

  await createTables(stage, KEYS)
  const oldWorkers = [await stage.worker({ code: previous.folder }), await stage.worker({ code: previous.folder })]
  const oldPublishers = [publisher(stage, old, 0), publisher(stage, old, 1)]
  await handledMore(stage)
  const startedAt = performance.now()
  const { steps } = await stage.bus.migrate()
  console.log(
    `F53: ${steps.length} steps in ${Math.round(performance.now() - startedAt)} ms, seed ${seed}, after ${previous.commit}`,
  )
  await handledMore(stage, oldWorkers)

  const newWorkers = [await stage.worker(), await stage.worker()]
  const newPublisher = publisher(stage, { seed, keys: KEYS }, 2)
  await handledMore(stage, newWorkers)
  await Promise.all(oldPublishers.map((one) => ended(one, 'SIGTERM')))
  for (const worker of oldWorkers) worker.kill('SIGTERM')
  const exits = await Promise.all(oldWorkers.map(({ exited }) => exited))
  await handledMore(stage)
  await ended(newPublisher, 'SIGTERM')
  await stage.settled(20_000)

  const report = await judged(stage, [])
  console.log(`F53: ${JSON.stringify(report)}`)
  expect(report.problems).toEqual([])
  expect(steps.length).toBeGreaterThan(0)
  expect(exits.map(({ code }) => code)).toEqual([0, 0])
  for (const worker of [...oldWorkers, ...newWorkers]) {
    expect(worker.signals.filter(({ level, name }) => level === 'error' && name !== 'attempt.failed')).toEqual([])
  }
})

/** Waits until `MORE` more events are handled, by the workers in `by` if they are given. */
async function handledMore({ trace }: Stage, by?: readonly { readonly pid: number }[]): Promise<void> {
  const handled = async () =>
    (await trace.entries()).filter(({ step, pid }) => step === 'end' && (by?.some((one) => one.pid === pid) ?? true))
      .length
  const before = await handled()
  await until(`${MORE} more are handled`, async () => (await handled()) >= before + MORE, 60_000)
}
