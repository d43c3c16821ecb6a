/** 10,000 effects under 100 kills, with every database client. */
import { expect, test } from 'vitest'
import { effectsUnderKills } from '../effects-under-kills.ts'
import { CLIENTS } from '../effects-worker.ts'

test('under 100 kills, 10,000 effects of transactional handlers happen once each, at least 500 with each client', async () => {
  const report = await effectsUnderKills({ clients: CLIENTS, effects: 560, kills: 100 })

  console.log(JSON.stringify(report))
  expect(report).toMatchObject({ expected: 10_080, effects: 10_080, doubled: 0, left: 0, dead: 0 })
})

test.each([
  ['one by one from the log', { delivery: 'log' }],
  ['in batches', { delivery: 'job', isBatch: true }],
  ['in batches from the log', { delivery: 'log', isBatch: true }],
] as const)('under 60 kills, 4,500 effects that come %s happen once each', async (_way, kind) => {
  const clients = ['kysely', 'pg', 'postgres.js']

  const report = await effectsUnderKills({ clients, effects: 1_000, kills: 60, kind })

  console.log(JSON.stringify({ kind, ...report }))
  expect(report).toMatchObject({ expected: 4_500, effects: 4_500, doubled: 0, left: 0, dead: 0 })
})
