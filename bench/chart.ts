/** Draws a question's results as SVG: a bar for each median, a whisker from the smallest to the largest value, and one figure below the other. */
import type { QuestionReport } from './results.ts'
import type { Line } from './summary.ts'
import type { Summary } from './statistics.ts'
import { readable } from './table.ts'

const WIDTH = 860
const LABELS = 300
const VALUES = 120
const BARS = WIDTH - LABELS - VALUES
const ROW = 22
const HEADING = 34
const GAP = 14

/** Colours for light and dark pages; the reader's own setting decides. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .heading { font-weight: 600; font-size: 13px }
  .ours { fill: #0969da } .peer { fill: #8c959f } .whisker { stroke: #24292f; stroke-width: 1.2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .ours { fill: #4493f8 } .peer { fill: #6e7681 } .whisker { stroke: #e6edf3 }
  }`

interface Group {
  readonly heading: string
  readonly lines: readonly Line[]
}

/** Null when the question has no figures to draw. */
export function chartOf(report: QuestionReport): string | null {
  const groups = groupsOf(report)
  if (groups.length === 0) return null

  const parts: string[] = []
  let y = 0
  for (const { heading, lines } of groups) {
    parts.push(text({ x: 0, y: y + 20 }, heading, 'class="heading"'))
    y += HEADING
    const scale = BARS / Math.max(1e-9, ...lines.map(({ value }) => (typeof value === 'string' ? 0 : value.most)))
    for (const line of lines) {
      parts.push(rowOf(report, line, { y, scale }))
      y += ROW
    }
    y += GAP
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img">`,
    `<title>${escaped(`${report.question}: ${report.asks}`)}</title>`,
    `<style>${STYLE}</style>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

/** One group for each case and figure. */
function groupsOf({ chart = [], cases, lines }: QuestionReport): readonly Group[] {
  return cases.flatMap(({ name }) =>
    chart.flatMap((figure) => {
      const found = lines.filter((line) => line.case === name && line.figure === figure)
      return found.length === 0 ? [] : { heading: `${name}: ${figure}`, lines: found }
    }),
  )
}

interface Place {
  readonly y: number
  /** Pixels for each unit of the figure. */
  readonly scale: number
}

function rowOf(report: QuestionReport, line: Line, { y, scale }: Place): string {
  const { contestant, value } = line
  const middle = y + ROW / 2
  const label = text({ x: LABELS - 8, y: middle + 4 }, contestant, 'text-anchor="end"')
  if (typeof value === 'string') return group(titleOf(report, line), [label, text({ x: LABELS, y: middle + 4 }, value)])

  const kind = contestant.startsWith('postbus') ? 'ours' : 'peer'
  const width = Math.max(1, value.median * scale).toFixed(1)
  const bar = `<rect class="${kind}" x="${LABELS}" y="${y + 3}" width="${width}" height="${ROW - 6}" rx="2"/>`
  const number = text({ x: LABELS + value.most * scale + 8, y: middle + 4 }, readable(value.median))
  return group(titleOf(report, line), [label, bar, whisker(value, middle, scale), number])
}

function whisker({ least, most }: Summary, middle: number, scale: number): string {
  const [from, to] = [least, most].map((value) => (LABELS + value * scale).toFixed(1))
  const ends = [from, to].map((x) => `M${x} ${middle - 4}v8`).join('')
  return `<path class="whisker" fill="none" d="M${from} ${middle}H${to}${ends}"/>`
}

/** The text that a reader sees with the pointer on a bar: how the contestant was set up. */
function titleOf({ cases }: QuestionReport, line: Line): string {
  const entries = cases.find(({ name }) => name === line.case)?.entries ?? []
  return entries.find(({ contestant }) => contestant === line.contestant)?.configuration ?? line.contestant
}

function group(title: string, parts: readonly string[]): string {
  return `<g><title>${escaped(title)}</title>${parts.join('')}</g>`
}

function text({ x, y }: { readonly x: number; readonly y: number }, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped(content)}</text>`
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
