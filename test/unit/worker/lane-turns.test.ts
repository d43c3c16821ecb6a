import { expect, test } from 'vitest'
import type { Run } from '../../../src/worker/held.ts'
import { LaneTurns, type LaneTurnsParts } from '../../../src/worker/lane-turns.ts'

test('a lane keeps its slot while nothing else waits', () => {
  const turns = turnsOf(20, 'nobody')

  expect(turns.left(aRun(), 'mail.send', 100_000)).toBeGreaterThan(0)
})

test('a lane gives its slot back after sixteen deliveries when its handler has other lanes waiting', () => {
  const turns = turnsOf(20, 'for the handler')

  expect([0, 15, 16].map((begun) => turns.left(aRun(), 'mail.send', begun))).toEqual([16, 1, 0])
})

test.each([
  [1, 0],
  [2, 1],
  [20, 2],
  [200, 20],
])('of %i slots, %i may stay with their lanes while other lanes wait', (concurrency, most) => {
  const turns = turnsOf(concurrency, 'for a slot')

  const staying = Array.from({ length: 50 }, aRun).filter((run) => turns.left(run, 'mail.send', 16) > 0)

  expect(staying).toHaveLength(most)
})

test('a slot that stayed goes to another lane when its run has ended, or after a long turn', () => {
  const turns = turnsOf(2, 'for a slot')
  const [first, second] = [aRun(), aRun()]
  expect([turns.left(first, 'mail.send', 16), turns.left(second, 'mail.send', 16)]).toEqual([1_008, 0])
  expect(turns.left(first, 'mail.send', 1_024)).toBe(0)

  turns.ended(first)

  expect(turns.left(second, 'mail.send', 16)).toBe(1_008)
})

function turnsOf(concurrency: number, waits: ReturnType<LaneTurnsParts['waits']>): LaneTurns {
  return new LaneTurns({ concurrency, waits: () => waits })
}

function aRun(): Run {
  return { handler: 'mail.receipt', moves: 0, renew: () => false, giveBack: async () => undefined }
}
