/** 200 events, each with five generations of events that it causes, while workers are killed all the time. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../../support/stage.ts'
import { treesUnderKills } from '../trees-under-kills.ts'

test('a wait for everything that an event causes ends when all of it has ended, and not before: 200 trees, 20 kills', async () => {
  const stage = await openStage({ handlers: [{ name: 'faults.steady', maxAttempts: 100 }] })
  onTestFinished(() => stage.close())
  const seed = Date.now() % 1_000_000

  const report = await treesUnderKills(stage, { trees: 200, generations: 5, kills: 20, workers: 3, seed })

  console.log(`trees: seed ${seed}: ${JSON.stringify(report)}`)
  expect(report.problems).toEqual([])
})
