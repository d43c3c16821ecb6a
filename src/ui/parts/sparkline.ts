/** A small line chart of the last hour, as SVG. Its label says the same in words. */
import { html, type Markup } from '../html.ts'

const WIDTH = 90
const HEIGHT = 20

interface Line {
  /** From left to right. */
  readonly values: readonly number[]
  /** The value at the top edge. Default: the largest value. */
  readonly top?: number
  readonly label: string
  readonly tone?: 'bad'
}

export function sparkline({ values, top = Math.max(...values, 0), label, tone }: Line): Markup {
  const points = values.map((value, at) => `${xOf(at, values.length)},${yOf(value, top)}`).join(' ')
  return html`<svg
    class="${tone === 'bad' ? 'spark bad' : 'spark'}"
    width="${WIDTH}"
    height="${HEIGHT}"
    viewBox="${`0 0 ${WIDTH} ${HEIGHT}`}"
    role="img"
    aria-label="${label}"
  >
    <polyline points="${points}" />
  </svg>`
}

function xOf(at: number, count: number): number {
  return Math.round((at / Math.max(1, count - 1)) * WIDTH)
}

function yOf(value: number, top: number): number {
  const share = top > 0 ? Math.min(1, value / top) : 0
  return Math.round((HEIGHT - 1 - share * (HEIGHT - 2)) * 10) / 10
}
