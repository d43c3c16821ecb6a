/**
 * Counts durations in buckets, four to each doubling: a percentile is correct to a tenth, and a hundred buckets reach up to a
 * day. The buckets of several processes are added one by one.
 */

/** Where the first bucket ends. */
const FIRST_MS = 0.5
const PER_DOUBLING = 4
/** The last bucket holds all durations above about three weeks. */
const LAST = 127

export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export function bucketOf(ms: number): number {
  if (!(ms > FIRST_MS)) return 0
  return Math.min(Math.ceil(PER_DOUBLING * Math.log2(ms / FIRST_MS)), LAST)
}

/** Adds one to a bucket. The array ends with the last bucket that is not empty. */
export function addTo(buckets: number[], ms: number): void {
  const bucket = bucketOf(ms)
  while (buckets.length <= bucket) buckets.push(0)
  buckets[bucket] = (buckets[bucket] ?? 0) + 1
}

/** Percentiles in milliseconds; `null` when the buckets are empty. */
export function percentilesOf(buckets: readonly number[]): Percentiles | null {
  const total = buckets.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  const at = (share: number) => Number(percentile(buckets, share * total).toPrecision(3))
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

/** Assumes that the durations in one bucket are evenly spread. */
function percentile(buckets: readonly number[], rank: number): number {
  let before = 0
  const bucket = buckets.findIndex((count) => {
    if (before + count >= rank) return true
    before += count
    return false
  })
  const from = bucket === 0 ? 0 : endOf(bucket - 1)
  return from + ((endOf(bucket) - from) * (rank - before)) / (buckets[bucket] ?? 1)
}

function endOf(bucket: number): number {
  return FIRST_MS * 2 ** (bucket / PER_DOUBLING)
}
