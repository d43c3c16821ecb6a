/** Killed workers and transactional handlers: each effect is there once. */
import { expect, test } from 'vitest'
import { effectsUnderKills } from './effects-under-kills.ts'

test('the effects of transactional handlers are there once each, though their workers are killed', async () => {
  const clients = ['kysely', 'pg', 'postgres.js']

  const report = await effectsUnderKills({ clients, effects: 20, kills: 2 })

  expect(report).toMatchObject({ expected: 90, effects: 90, doubled: 0, left: 0, dead: 0 })
  expect(report.takenOver).toBeGreaterThan(1)
}, 120_000)

test.each([
  ['one by one from the log', { delivery: 'log' }],
  ['in batches', { delivery: 'job', isBatch: true }],
  ['in batches from the log', { delivery: 'log', isBatch: true }],
] as const)(
  'so are effects that come %s',
  async (_way, kind) => {
    const report = await effectsUnderKills({ clients: ['pg'], effects: 40, kills: 2, kind })

    expect(report).toMatchObject({ expected: 60, effects: 60, doubled: 0, left: 0, dead: 0 })
    expect(report.takenOver).toBeGreaterThan(1)
  },
  120_000,
)
