/** Counters and histograms of one process: one series for each metric and labels, for as long as the process lives. */
import type { Labels, Metric } from './metrics.ts'

export interface Counted {
  readonly metric: Metric
  readonly labels: Labels
  value: number
}

export interface Distribution {
  readonly metric: Metric
  readonly labels: Labels
  /** For each bucket, the number of values above the bound before it and up to its own. The last number: values above all bounds. */
  readonly counts: number[]
  sum: number
}

export class Series {
  readonly #counters = new Map<string, Counted>()
  readonly #histograms = new Map<string, Distribution>()

  add(metric: Metric, labels: Labels, value: number): void {
    const key = keyOf(metric, labels)
    const counted = this.#counters.get(key)
    if (counted) counted.value += value
    else this.#counters.set(key, { metric, labels, value })
  }

  record(metric: Metric, labels: Labels, value: number): void {
    const { buckets = [] } = metric
    const key = keyOf(metric, labels)
    const found = this.#histograms.get(key)
    const distribution = found ?? { metric, labels, counts: Array<number>(buckets.length + 1).fill(0), sum: 0 }
    if (!found) this.#histograms.set(key, distribution)
    const place = buckets.findIndex((end) => value <= end)
    const bucket = place === -1 ? buckets.length : place
    distribution.counts[bucket] = (distribution.counts[bucket] ?? 0) + 1
    distribution.sum += value
  }

  counters(): readonly Counted[] {
    return [...this.#counters.values()]
  }

  histograms(): readonly Distribution[] {
    return [...this.#histograms.values()]
  }
}

function keyOf({ name }: Metric, labels: Labels): string {
  return `${name} ${Object.values(labels).join(' ')}`
}
