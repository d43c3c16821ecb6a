import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ClaimAhead } from '../../../src/worker/claim-ahead.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test('as many are claimed ahead as have returned during the last claim', () => {
  const ahead = new ClaimAhead(180)
  expect(ahead.count).toBe(0)

  claim(ahead, { returned: 20 })
  expect(ahead.count).toBe(20)
  claim(ahead, { returned: 40 })
  expect(ahead.count).toBe(40)
})

test('twice as many when all that was claimed has returned', () => {
  const ahead = new ClaimAhead(180)

  const counts = [3, 1, 1, 30].map((returned) => (claim(ahead, { returned, isIdle: true }), ahead.count))

  expect(counts).toEqual([6, 12, 24, 60])
})

test('handlers that have returned before the next claim is sent count too, when all have', () => {
  const ahead = new ClaimAhead(180)

  claim(ahead, { returned: 0, isIdle: true })
  expect(ahead.count).toBe(0) // nothing is known of the handlers
  for (let n = 0; n < 20; n += 1) ahead.returned()
  claim(ahead, { returned: 0, isIdle: true })
  expect(ahead.count).toBe(40)
})

test.each([true, false])('no more than the limit, and no more than is worked off in 25 ms (idle: %j)', (isIdle) => {
  const ahead = new ClaimAhead(180)

  claim(ahead, { returned: 500, isIdle })
  expect(ahead.count).toBe(180)
  for (let n = 0; n < 8; n += 1) claim(ahead, { returned: 0, isIdle: false })
  claim(ahead, { returned: 500, tookMs: 250, isIdle })
  expect(ahead.count).toBe(50)
})

test('handlers that have become slow: with each claim at most half as many', () => {
  const ahead = new ClaimAhead(180)
  claim(ahead, { returned: 100 })

  const counts = Array.from({ length: 7 }, () => (claim(ahead, { returned: 0 }), ahead.count))

  expect(counts).toEqual([50, 25, 12, 6, 3, 1, 0])
})

test('nothing when the last claim has left nothing', () => {
  const ahead = new ClaimAhead(180)
  claim(ahead, { returned: 100 })

  claim(ahead, { returned: 100, leftSome: false, isIdle: true })

  expect(ahead.count).toBe(0)
})

test('two claims at the same time count for themselves what returns', () => {
  const ahead = new ClaimAhead(180)
  const first = ahead.claim()
  ahead.returned()
  const second = ahead.claim()
  ahead.returned()
  ahead.returned()
  vi.advanceTimersByTime(1)

  first({ leftSome: true, isIdle: false })
  expect(ahead.count).toBe(3)
  second({ leftSome: true, isIdle: false })
  expect(ahead.count).toBe(2)
})

interface Claim {
  /** How many handlers return during the claim. */
  readonly returned: number
  readonly tookMs?: number
  readonly leftSome?: boolean
  readonly isIdle?: boolean
}

function claim(ahead: ClaimAhead, { returned, tookMs = 5, leftSome = true, isIdle = false }: Claim): void {
  const answered = ahead.claim()
  for (let n = 0; n < returned; n += 1) ahead.returned()
  vi.advanceTimersByTime(tookMs)
  answered({ leftSome, isIdle })
}
