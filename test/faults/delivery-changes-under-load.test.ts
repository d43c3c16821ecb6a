/** A handler changes to the log, to more shards and back, while old processes run and others are killed: nothing is lost, and order is kept. */
import { expect, test } from 'vitest'
import { openOrderStage } from '../support/order-stage.ts'
import type { Stage } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { conflictsIn, orderUnderLoad } from './order-under-load.ts'
import { CHANGES } from './delivery-changes.ts'

test('each key keeps its order while its handler changes to the log, to other shards, and back', async () => {
  const { stage, seed, serverLog } = await openOrderStage(CHANGES.jobs)

  const report = await orderUnderLoad(stage, {
    workers: 2,
    publishers: 2,
    keys: 20,
    kills: 9,
    killEveryMs: 2_500,
    stops: 0.6,
    seed,
    handlers: CHANGES.jobs,
    deploys: new Map([
      [1, CHANGES.log],
      [4, CHANGES.moreShards],
      [6, CHANGES.jobs],
    ]),
  })
  await until('all changes are over', async () => (await handlers(stage)).every(({ isOver }) => isOver), 20_000)

  console.log(`changes of delivery: seed ${seed}: ${JSON.stringify(report)}`)
  expect([...report.problems, ...conflictsIn(await serverLog())]).toEqual([])
  expect(await handlers(stage)).toMatchObject([{ handler: 'faults.steady', mode: 'job', shards: 13 }])
  expect((await handlers(stage))[0]?.read).toBeGreaterThan(300)
  expect(report.withoutLock).toBeGreaterThan(0)
  expect(report.failures).toBeGreaterThan(0)
}, 120_000)

/** `read` is how many numbers of the log belong to the time in which the handler read the log. */
async function handlers({ database }: Stage) {
  const { rows } = await database.query<{
    handler: string
    mode: string
    shards: number
    isOver: boolean
    read: number
  }>(
    `select handler, mode, shards, phase is null and mode = wanted and coalesce(wanted_shards = shards, true) and floors is null as "isOver",
      (select coalesce(sum(upper(era) - lower(era)), 0)::integer from unnest(eras) era) as read
    from postbus.log_handler`,
  )
  return rows
}
