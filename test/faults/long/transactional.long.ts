/** 10,000 effects under 100 kills, by every database client. */
import { expect, test } from 'vitest'
import { effectsUnderKills } from '../effects-under-kills.ts'
import { CLIENTS } from '../effects-worker.ts'

test('10,000 effects of transactional handlers under 100 kills are there once each, at least 500 by each client', async () => {
  const report = await effectsUnderKills({ clients: CLIENTS, effects: 560, kills: 100 })

  console.log(JSON.stringify(report))
  expect(report).toMatchObject({ expected: 10_080, effects: 10_080, doubled: 0, left: 0, dead: 0 })
})

test.each([
  ['one by one from the log', { delivery: 'log' }],
  ['in batches', { delivery: 'job', isBatch: true }],
  ['in batches from the log', { delivery: 'log', isBatch: true }],
] as const)('so are 4,500 that come %s, under 60 kills', async (_way, kind) => {
  const clients = ['kysely', 'pg', 'postgres.js']

  const report = await effectsUnderKills({ clients, effects: 1_000, kills: 60, kind })

  console.log(JSON.stringify({ kind, ...report }))
  expect(report).toMatchObject({ expected: 4_500, effects: 4_500, doubled: 0, left: 0, dead: 0 })
})
