/** A rate limit over three processes, as long as it takes to see a rate. What begins is timed by the trace, as each process writes it. */
import { expect, onTestFinished, test } from 'vitest'
import { openStage } from '../../support/stage.ts'

const LIMIT = 50

test('three processes keep to 50 attempts a second together, and come close to it', async () => {
  const stage = await openStage({ handlers: [{ name: 'faults.steady', rateLimit: { limit: LIMIT, perMs: 1_000 } }] })
  onTestFinished(() => stage.close())
  for (let n = 0; n < 3; n += 1) await stage.worker()

  await stage.publish(...Array.from({ length: 1_500 }, () => ({ ms: 20 })))
  await stage.settled(120_000)

  const began = (await stage.trace.entries()).filter(({ step }) => step === 'start').map(({ at }) => at)
  const most = Math.max(...began.map((from) => began.filter((at) => at >= from && at < from + 1_000).length))
  const rate = (1_000 * (began.length - 1)) / (began.at(-1)! - began[0]!)
  console.log(`rate limit of ${LIMIT}: ${JSON.stringify({ began: began.length, most, rate })}`)
  expect(began).toHaveLength(1_500)
  expect(most).toBeLessThanOrEqual(LIMIT + 3) // the trace is written some milliseconds after the attempt has begun
  expect(rate).toBeGreaterThanOrEqual(48)
})
