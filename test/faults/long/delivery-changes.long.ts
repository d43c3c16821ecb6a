/** For five minutes a handler changes again and again to the log, to more shards and back, with a kill or a stop every five seconds. */
import { expect, test } from 'vitest'
import { openOrderStage } from '../../support/order-stage.ts'
import { CHANGES } from '../delivery-changes.ts'
import { conflictsIn, orderUnderLoad } from '../order-under-load.ts'

const KILL_EVERY_MS = 5_000
const FOR_MS = 5 * 60_000
const KILLS = FOR_MS / KILL_EVERY_MS
const DEPLOYED = [CHANGES.log, CHANGES.moreShards, CHANGES.jobs]

test.each([20, 5_000])('%i keys keep the order of their row locks at each deploy of the handler', async (keys) => {
  const { stage, seed, serverLog } = await openOrderStage(CHANGES.jobs, 300)
  const deploys = Array.from({ length: KILLS / 4 }, (_, index) => [4 * index + 1, DEPLOYED[index % 3]!] as const)

  const report = await orderUnderLoad(stage, {
    workers: 3,
    publishers: 2,
    keys,
    kills: KILLS,
    killEveryMs: KILL_EVERY_MS,
    stops: 0.4,
    seed,
    handlers: CHANGES.jobs,
    deploys: new Map(deploys),
  })

  const { rows } = await stage.database.query<{ epoch: number }>(
    'select max(epoch)::integer as epoch from postbus.log_handler',
  )
  console.log(`changes of delivery: ${keys} keys, seed ${seed}, ${rows[0]?.epoch} steps: ${JSON.stringify(report)}`)
  expect([...report.problems, ...conflictsIn(await serverLog())]).toEqual([])
})
