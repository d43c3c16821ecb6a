/** F1 again and again: workers that are killed while they are busy lose nothing, and nothing that they had finished is repeated. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../support/stage.ts'
import { killUnderLoad } from './kills-under-load.ts'

const CONCURRENCY = 4

test('F1: workers killed under load lose nothing, repeat only what was in flight, and never overlap in a key', async () => {
  const stage = await openStage({ handlers: [{ name: 'faults.steady', maxAttempts: 50 }] })
  onTestFinished(() => stage.close())
  const seed = Date.now() % 1_000_000

  const report = await killUnderLoad(stage, { kills: 4, workers: 2, concurrency: CONCURRENCY, seed })

  console.log(`F1: seed ${seed}: ${JSON.stringify(report)}`)
  expect(report.problems).toEqual([])
  expect(Math.max(...report.inFlight)).toBeGreaterThan(0)
  expect(report.runs).toBeLessThanOrEqual(report.published + report.inFlight.reduce((sum, count) => sum + count, 0))
}, 120_000)
