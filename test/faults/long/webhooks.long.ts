/** 10,000 webhooks, while workers are killed and the endpoint is restarted. */
import { expect, test } from 'vitest'
import { webhooksUnderKills } from '../webhooks-under-kills.ts'

test('under 20 kills and 10 restarts, all of 10,000 webhooks arrive, in the order of their keys, and only those in flight arrive twice', async () => {
  const report = await webhooksUnderKills({ events: 10_000, kills: 20, restarts: 10 })

  console.log(JSON.stringify(report))
  expect(report).toMatchObject({ published: 10_000, taken: 10_000, tooEarly: 0, dead: 0 })
  expect(report.inFlight).toBeGreaterThan(0)
  expect(report.duplicates).toBeLessThanOrEqual(report.inFlight)
})
