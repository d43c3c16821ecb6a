/** The order of handlers that read the log, and of a handler with deliveries beside them, for five minutes, with a kill or a stop every five seconds. */
import { expect, test } from 'vitest'
import { openOrderStage } from '../../support/order-stage.ts'
import { conflictsIn, FIVE_MINUTES, orderUnderLoad } from '../order-under-load.ts'

const HANDLERS = [
  { name: 'faults.steady', maxAttempts: 1_000, delivery: 'log', shards: 16 },
  { name: 'faults.second', maxAttempts: 1_000, delivery: 'log', shards: 5 },
  { name: 'faults.beside', maxAttempts: 1_000 },
] as const

test.each([20, 5_000])('%i keys keep the order of their row locks, in the log and in their lanes', async (keys) => {
  const { stage, seed, serverLog } = await openOrderStage(HANDLERS, 300)

  const report = await orderUnderLoad(stage, {
    ...FIVE_MINUTES,
    keys,
    seed,
    handlers: HANDLERS,
  })

  console.log(`order of the log: ${keys} keys, seed ${seed}: ${JSON.stringify(report)}`)
  expect([...report.problems, ...conflictsIn(await serverLog())]).toEqual([])
})
