/** A wait for an event and all that it has caused ends when that has ended, and not before, also while workers are killed. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../support/stage.ts'
import { treesUnderKills } from './trees-under-kills.ts'

test('a wait for all that an event has caused ends when that has ended, and not before, while workers are killed', async () => {
  const stage = await openStage({ handlers: [{ name: 'faults.steady', maxAttempts: 50 }] })
  onTestFinished(() => stage.close())
  const seed = Date.now() % 1_000_000

  const report = await treesUnderKills(stage, { trees: 12, generations: 3, kills: 1, workers: 2, seed })

  console.log(`trees: seed ${seed}: ${JSON.stringify(report)}`)
  expect(report.problems).toEqual([])
  expect(report.latestMs).toBeLessThan(10_000)
}, 120_000)
