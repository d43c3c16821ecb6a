import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { backoffDelayMs, backoffSchema } from '../../../src/handlers/backoff.ts'

const HALF = () => 0.5
const YEAR_MS = 365 * 86_400_000

const anyBackoff = fc.record({
  initialMs: fc.integer({ min: 0, max: 86_400_000 }),
  factor: fc.double({ min: 1, max: 100, noNaN: true }),
  maxMs: fc.integer({ min: 0, max: 604_800_000 }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
})
const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const anyAttempt = fc.integer({ min: 1, max: 1_000 })

describe('the default backoff', () => {
  test('waits 2 s, 8 s, 32 s, about 2 min, 9 min, 34 min, then 1 h each time', () => {
    const backoff = backoffSchema.parse(undefined)

    const delays = [1, 2, 3, 4, 5, 6, 7, 50].map((attempt) => backoffDelayMs(backoff, attempt, HALF))

    expect(delays).toEqual([2_000, 8_000, 32_000, 128_000, 512_000, 2_048_000, 3_600_000, 3_600_000])
  })

  test('varies each wait by up to a fifth, down and up', () => {
    const backoff = backoffSchema.parse({})

    const [shortest, longest] = [() => 0, () => 0.999_999].map((random) => backoffDelayMs(backoff, 1, random))

    expect([shortest, longest]).toEqual([1_600, 2_400])
  })
})

describe('an exponential backoff', () => {
  test('can be configured in every part', () => {
    const backoff = backoffSchema.parse({ initialMs: 100, factor: 3, maxMs: 1_000, jitter: 0 })

    const delays = [1, 2, 3, 4].map((attempt) => backoffDelayMs(backoff, attempt))

    expect(delays).toEqual([100, 300, 900, 1_000])
  })

  property.prop([anyBackoff, anyAttempt, anyRandom])(
    'waits a whole number of milliseconds, within the jitter around its exact wait, and never longer than its limit',
    (backoff, attempt, random) => {
      const growth = Math.min(backoff.factor ** (attempt - 1), Number.MAX_VALUE)
      const exact = Math.min(backoff.initialMs * growth, backoff.maxMs)

      const delayMs = backoffDelayMs(backoff, attempt, () => random)

      expect(Number.isSafeInteger(delayMs)).toBe(true)
      expect(delayMs).toBeGreaterThanOrEqual(Math.floor(exact * (1 - backoff.jitter)))
      expect(delayMs).toBeLessThanOrEqual(Math.min(Math.ceil(exact * (1 + backoff.jitter)), backoff.maxMs))
    },
  )

  property.prop([anyBackoff, anyAttempt])('never waits shorter than after the attempt before', (backoff, attempt) => {
    const [before, after] = [attempt, attempt + 1].map((number) => backoffDelayMs(backoff, number, HALF))

    expect(after).toBeGreaterThanOrEqual(before ?? Infinity)
  })

  test.each([
    { initialMs: -1 },
    { initialMs: 86_400_001 },
    { factor: 0.9 },
    { factor: 101 },
    { maxMs: -1 },
    { maxMs: 604_800_001 },
    { jitter: -0.1 },
    { jitter: 1.1 },
    { initialMs: '1' },
    { delayMs: 1 },
  ])('is refused with %j', (backoff) => {
    const parsed = backoffSchema.safeParse(backoff)

    expect(parsed.success).toBe(false)
  })
})

describe('a backoff function', () => {
  test('gets the number of the attempt that failed', () => {
    const asked: number[] = []

    const delays = [1, 2].map((attempt) => backoffDelayMs((number) => asked.push(number) * 1_000, attempt))

    expect(asked).toEqual([1, 2])
    expect(delays).toEqual([1_000, 2_000])
  })

  property.prop([fc.double(), anyAttempt])(
    'may return every number: the wait is between 0 and 365 days',
    (answer, attempt) => {
      const delayMs = backoffDelayMs(() => answer, attempt)

      expect(Number.isSafeInteger(delayMs)).toBe(true)
      expect(delayMs).toBeGreaterThanOrEqual(0)
      expect(delayMs).toBeLessThanOrEqual(YEAR_MS)
    },
  )

  test.each([
    [-1, 0],
    [1.4, 1],
    [Infinity, YEAR_MS],
    [-Infinity, 0],
    [Number.NaN, 3_600_000],
    [undefined, 3_600_000],
    ['soon', 3_600_000],
    [Promise.resolve(1), 3_600_000],
  ])('that returns %s waits %d ms', (answer, expected) => {
    const delayMs = backoffDelayMs(() => answer as number, 1)

    expect(delayMs).toBe(expected)
  })
})
