/** The order of keys, despite late commits, rollbacks, failures, unequal keys and killed processes. */
import { expect, test } from 'vitest'
import { openOrderStage } from '../support/order-stage.ts'
import { conflictsIn, orderUnderLoad } from './order-under-load.ts'

test('each key keeps the order of its row lock while publishers and workers are killed', async () => {
  const { stage, seed, serverLog } = await openOrderStage([{ name: 'faults.steady', maxAttempts: 50 }])

  const report = await orderUnderLoad(stage, {
    workers: 2,
    publishers: 2,
    keys: 20,
    kills: 3,
    killEveryMs: 1_200,
    seed,
  })

  console.log(`order: seed ${seed}: ${JSON.stringify(report)}`)
  expect([...report.problems, ...conflictsIn(await serverLog())]).toEqual([])
  expect(report.withoutLock).toBeGreaterThan(0)
  expect(report.failures).toBeGreaterThan(0)
}, 90_000)
