/** The order of keys in batches, with failures, late commits and kills. */
import { expect, onTestFinished, test } from 'vitest'
import { startEmbeddedServer } from '../../support/embedded-server.ts'
import { openStage } from '../../support/stage.ts'
import { conflictsIn, orderUnderLoad } from '../order-under-load.ts'

test.each([
  ['a few busy keys', 20],
  ['many keys', 5_000],
])('%s keep the order of their row locks in batches, while workers are killed', async (_, keys) => {
  const server = await startEmbeddedServer({ max_connections: '300' })
  onTestFinished(() => server.remove())
  const stage = await openStage({
    handlers: [{ name: 'faults.steady', maxAttempts: 1_000, batchSize: 20 }],
    server: server.connectionString,
  })
  onTestFinished(() => stage.close())
  const seed = Date.now() % 1_000_000

  const report = await orderUnderLoad(stage, {
    workers: 3,
    publishers: 2,
    keys,
    kills: 12,
    killEveryMs: 5_000,
    seed,
  })

  console.log(`batches: ${keys} keys, seed ${seed}: ${JSON.stringify(report)}`)
  expect([...report.problems, ...conflictsIn(await server.log())]).toEqual([])
  expect(report.failures).toBeGreaterThan(0)
})
