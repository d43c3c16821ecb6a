/** Order with everything against it: late commits, rollbacks, failures, unequal keys, and killed processes. */
import { expect, onTestFinished, test } from 'vitest'
import { startEmbeddedServer } from '../support/embedded-server.ts'
import { openStage } from '../support/stage.ts'
import { conflictsIn, orderUnderLoad } from './order-under-load.ts'

test('each key keeps the order of its row lock while publishers and workers are killed', async () => {
  const server = await startEmbeddedServer({ max_connections: '200' })
  onTestFinished(() => server.remove())
  const stage = await openStage({
    handlers: [{ name: 'faults.steady', maxAttempts: 50 }],
    server: server.connectionString,
  })
  onTestFinished(() => stage.close())
  const seed = Date.now() % 1_000_000

  const report = await orderUnderLoad(stage, {
    workers: 2,
    publishers: 2,
    keys: 20,
    kills: 3,
    killEveryMs: 1_200,
    seed,
  })

  console.log(`order: seed ${seed}: ${JSON.stringify(report)}`)
  expect([...report.problems, ...conflictsIn(await server.log())]).toEqual([])
  expect(report.withoutLock).toBeGreaterThan(0)
  expect(report.failures).toBeGreaterThan(0)
}, 90_000)
