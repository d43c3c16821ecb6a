/** 10,000 effects under 100 kills, by every database client. */
import { expect, test } from 'vitest'
import { effectsUnderKills } from '../effects-under-kills.ts'
import { CLIENTS } from '../effects-worker.ts'

test('10,000 effects of transactional handlers under 100 kills are there once each, at least 500 by each client', async () => {
  const report = await effectsUnderKills({ clients: CLIENTS, effects: 560, kills: 100 })

  console.log(JSON.stringify(report))
  expect(report).toMatchObject({ expected: 10_080, effects: 10_080, doubled: 0, left: 0, dead: 0 })
})
