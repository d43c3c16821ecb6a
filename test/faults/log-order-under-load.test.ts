/** The order of handlers that read the log, and of others beside them, despite late commits, rollbacks, failures and killed processes. */
import { expect, test } from 'vitest'
import { openOrderStage } from '../support/order-stage.ts'
import { conflictsIn, orderUnderLoad } from './order-under-load.ts'

const HANDLERS = [
  { name: 'faults.steady', maxAttempts: 50, delivery: 'log', shards: 8 },
  { name: 'faults.beside', maxAttempts: 50 },
] as const

test('each key keeps its order in the log and in its lanes while publishers and workers are killed', async () => {
  const { stage, seed, serverLog } = await openOrderStage(HANDLERS)

  const report = await orderUnderLoad(stage, {
    workers: 2,
    publishers: 2,
    keys: 20,
    kills: 3,
    killEveryMs: 1_200,
    stops: 0.6,
    seed,
    handlers: HANDLERS,
  })

  console.log(`order of the log: seed ${seed}: ${JSON.stringify(report)}`)
  expect([...report.problems, ...conflictsIn(await serverLog())]).toEqual([])
  expect(report.withoutLock).toBeGreaterThan(0)
  expect(report.failures).toBeGreaterThan(0)
}, 90_000)
