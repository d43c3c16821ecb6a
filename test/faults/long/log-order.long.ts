/** The order of handlers that read the log, and of a handler with deliveries beside them, for five minutes, with a kill or a stop every five seconds. */
import { expect, test } from 'vitest'
import { openOrderStage } from '../../support/order-stage.ts'
import { conflictsIn, orderUnderLoad } from '../order-under-load.ts'

const HANDLERS = [
  { name: 'faults.steady', maxAttempts: 1_000, delivery: 'log', shards: 16 },
  { name: 'faults.second', maxAttempts: 1_000, delivery: 'log', shards: 5 },
  { name: 'faults.beside', maxAttempts: 1_000 },
] as const

const KILL_EVERY_MS = 5_000
const FOR_MS = 5 * 60_000

test.each([20, 5_000])('%i keys keep the order of their row locks, in the log and in their lanes', async (keys) => {
  const { stage, seed, serverLog } = await openOrderStage(HANDLERS, 300)

  const report = await orderUnderLoad(stage, {
    workers: 3,
    publishers: 2,
    keys,
    kills: FOR_MS / KILL_EVERY_MS,
    killEveryMs: KILL_EVERY_MS,
    stops: 0.4,
    seed,
    handlers: HANDLERS,
  })

  console.log(`order of the log: ${keys} keys, seed ${seed}: ${JSON.stringify(report)}`)
  expect([...report.problems, ...conflictsIn(await serverLog())]).toEqual([])
})
