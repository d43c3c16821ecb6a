import { describe, expect, test } from 'vitest'
import { addTo, bucketOf, percentilesOf } from '../../../src/deliveries/histogram.ts'

const bucketsOf = (...durations: readonly number[]) => {
  const buckets: number[] = []
  for (const ms of durations) addTo(buckets, ms)
  return buckets
}

test.for([2, 30, 1_000, 90_000, 86_400_000])('percentiles of durations up to %i ms are exact to a tenth', (longest) => {
  const durations = Array.from({ length: 1_000 }, (_, n) => (longest * (n + 1)) / 1_000)

  const { p50 = 0, p95 = 0, p99 = 0 } = percentilesOf(bucketsOf(...durations)) ?? {}

  const errors = [p50 / (longest * 0.5), p95 / (longest * 0.95), p99 / (longest * 0.99)].map((share) =>
    Math.abs(share - 1),
  )
  expect(Math.max(...errors)).toBeLessThan(0.1)
})

test('with a single duration, each percentile is about that duration', () => {
  const { p50 = 0, p99 = 0 } = percentilesOf(bucketsOf(200)) ?? {}

  expect(Math.abs(p50 / 200 - 1)).toBeLessThan(0.15)
  expect(Math.abs(p99 / 200 - 1)).toBeLessThan(0.15)
})

test('without durations there are no percentiles', () => {
  expect(percentilesOf([])).toBeNull()
  expect(percentilesOf([0, 0])).toBeNull()
})

describe('a bucket', () => {
  test('exists for every duration: none, a negative one after a clock change, and one above all limits', () => {
    expect([0, -5_000, Number.NaN, 0.5].map(bucketOf)).toEqual([0, 0, 0, 0])
    expect([1e12, Infinity].map(bucketOf)).toEqual([127, 127])
  })

  test('is no wider than a fifth of the durations in it', () => {
    expect(bucketOf(100) - bucketOf(50)).toBe(4)
    expect(bucketOf(118)).not.toBe(bucketOf(140))
  })
})
