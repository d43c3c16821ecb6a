/** Sums up several rounds, or many measurements, in a few numbers. */

export interface Summary {
  readonly median: number
  readonly least: number
  readonly most: number
}

export function summaryOf(numbers: readonly number[]): Summary {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const below = sorted[Math.floor(middle)] ?? NaN
  const above = sorted[Math.ceil(middle)] ?? NaN
  return { median: (below + above) / 2, least: sorted[0] ?? NaN, most: sorted.at(-1) ?? NaN }
}

/** The smallest number that `percent` percent of all numbers do not exceed. */
export function percentile(numbers: readonly number[], percent: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN
}
