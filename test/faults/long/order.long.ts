/** The order of keys for five minutes and more, with a kill every five seconds. */
import { expect, test } from 'vitest'
import { openOrderStage } from '../../support/order-stage.ts'
import { conflictsIn, orderUnderLoad } from '../order-under-load.ts'

const KILL_EVERY_MS = 5_000
const FOR_MS = 5 * 60_000

test.each([20, 5_000])(
  '%i keys keep the order of their row locks, with a kill every 5 s for 5 minutes',
  async (keys) => {
    const { stage, seed, serverLog } = await openOrderStage([{ name: 'faults.steady', maxAttempts: 1_000 }], 300)

    const report = await orderUnderLoad(stage, {
      workers: 5,
      publishers: 2,
      keys,
      kills: FOR_MS / KILL_EVERY_MS,
      killEveryMs: KILL_EVERY_MS,
      seed,
    })

    console.log(`order: ${keys} keys, seed ${seed}: ${JSON.stringify(report)}`)
    expect([...report.problems, ...conflictsIn(await serverLog())]).toEqual([])
    expect(conflictsIn(await serverLog())).toEqual([])
  },
)
