/**
 * A rate limit over three processes, for long enough to measure a rate. The limit is checked on the times that the database granted. The
 * rate is taken from the trace, which each process writes a moment after an attempt has begun.
 */
import { expect, onTestFinished, test } from 'vitest'
import { mostWithin, recordGrants } from '../../support/granted.ts'
import { openStage } from '../../support/stage.ts'

const LIMIT = 50

test('three processes together get 50 attempts a second, and use nearly all of them', async () => {
  const stage = await openStage({ handlers: [{ name: 'faults.steady', rateLimit: { limit: LIMIT, perMs: 1_000 } }] })
  onTestFinished(() => stage.close())
  const granted = await recordGrants(stage.database)
  for (let n = 0; n < 3; n += 1) await stage.worker()

  await stage.publish(...Array.from({ length: 1_500 }, () => ({ ms: 20 })))
  await stage.settled(120_000)

  const times = await granted('faults.steady', (1.02 * 1_000) / LIMIT)
  const began = (await stage.trace.entries()).filter(({ step }) => step === 'start').map(({ at }) => at)
  const rate = (1_000 * (began.length - 1)) / (began.at(-1)! - began[0]!)
  const most = { granted: mostWithin(times, 1_000), begunByTheTrace: mostWithin(began, 1_000) }
  console.log(`rate limit of ${LIMIT}: ${JSON.stringify({ granted: times.length, began: began.length, most, rate })}`)
  expect(began).toHaveLength(1_500)
  expect(most.granted).toBeLessThanOrEqual(LIMIT)
  expect(rate).toBeGreaterThanOrEqual(48)
})
