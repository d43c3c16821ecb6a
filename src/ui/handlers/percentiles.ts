/** Three percentiles, in milliseconds. */
import type { Percentiles } from '../../deliveries/histogram.ts'

export function percentiles(times: Percentiles | null): string {
  if (times === null) return '–'
  return [times.p50, times.p95, times.p99]
    .map((ms) => ms.toLocaleString('en', { maximumSignificantDigits: 3 }))
    .join(' / ')
}
