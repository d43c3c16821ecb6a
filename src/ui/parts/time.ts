/** Times and durations as people read them. Times are UTC: two people who look at the page see the same. */
import { html, type Markup } from '../html.ts'

export function time(at: Date | null): Markup {
  if (at === null) return html`<span class="none">–</span>`
  const iso = at.toISOString()
  return html`<time datetime="${iso}" title="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`
}

const UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
]

/** `2.5 min`, or `–` when there is none. */
export function duration(ms: number | null): string {
  if (ms === null) return '–'
  const [size, unit] = UNITS.find(([least]) => ms >= least) ?? [1, 'ms']
  const value = ms / size
  return `${value >= 10 || unit === 'ms' ? Math.round(value) : value.toFixed(1)} ${unit}`
}
