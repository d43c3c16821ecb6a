/** Keys keep their order under the concurrency limits of a handler, while publishers and workers are killed. */
import { expect, onTestFinished, test } from 'vitest'
import { startEmbeddedServer } from '../../support/embedded-server.ts'
import { openStage } from '../../support/stage.ts'
import { conflictsIn, orderUnderLoad } from '../order-under-load.ts'

test('each key keeps its order under the limits of its handler, while publishers and workers are killed', async () => {
  const server = await startEmbeddedServer({ max_connections: '200' })
  onTestFinished(() => server.remove())
  const stage = await openStage({
    handlers: [{ name: 'faults.steady', maxAttempts: 50, concurrency: { perProcess: 3, cluster: 4 } }],
    server: server.connectionString,
  })
  onTestFinished(() => stage.close())
  const seed = Date.now() % 1_000_000
  const load = { workers: 2, publishers: 2, keys: 20, kills: 10, killEveryMs: 1_200 }

  const report = await orderUnderLoad(stage, { ...load, seed })

  console.log(`order with limits: seed ${seed}: ${JSON.stringify(report)}`)
  expect([...report.problems, ...conflictsIn(await server.log())]).toEqual([])
  expect(report.runs).toBeGreaterThan(0)
})
