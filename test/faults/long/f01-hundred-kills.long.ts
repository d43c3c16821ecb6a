/** F1, a hundred times. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../../support/stage.ts'
import { killUnderLoad } from '../kills-under-load.ts'

test('F1: after a hundred worker kills no event is lost, only work in flight is repeated, and no key overlaps', async () => {
  const stage = await openStage({ handlers: [{ name: 'faults.steady', maxAttempts: 1_000 }] })
  onTestFinished(() => stage.close())
  const seed = Date.now() % 1_000_000

  const report = await killUnderLoad(stage, { kills: 100, workers: 3, concurrency: 6, seed })

  console.log(`F1: seed ${seed}: ${JSON.stringify(report)}`)
  expect(report.problems).toEqual([])
})
