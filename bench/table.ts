/** Prints a question's results as Markdown, so that they can be read in a terminal and pasted into a page. */
import type { GoalReport, Line } from './summary.ts'
import type { QuestionReport } from './results.ts'

export function printReport(report: QuestionReport): string {
  const { question, asks, notes } = report
  return [
    `## ${question}: ${asks}`,
    machineLine(report),
    figureTable(report),
    configurationList(report),
    notes.map((note) => `- ${note}`).join('\n'),
    goalTable(report),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

export function machineLine({ machine }: QuestionReport): string {
  const { postgres, node, cores, cpu, load, rounds, tookSeconds, at } = machine
  return `${postgres}; Node ${node}; ${cores} cores (${cpu}); load ${load}; ${rounds} round${rounds === 1 ? '' : 's'} in ${Math.round(tookSeconds)} s; ${at}`
}

export function figureTable({ lines }: QuestionReport): string {
  const parts = lines.map(partOf)
  if (parts.every((part) => part !== null)) return partTable(parts)
  return table(['case', 'contestant', 'figure', 'median', 'least – most', '× ours'], lines.map(cellsOf))
}

interface Part {
  /** Case, contestant and part, which identify a row. */
  readonly row: readonly [string, string, string]
  readonly figure: string
  readonly cell: string
}

/** A figure `part: name` belongs to one of several parts that are compared with each other. */
function partOf({ case: name, contestant, figure, value }: Line): Part | null {
  const [part, ofPart, ...more] = figure.split(': ')
  if (part === undefined || ofPart === undefined || more.length > 0) return null
  const cell = typeof value === 'string' ? value : readable(value.median)
  return { row: [name, contestant, part], figure: ofPart, cell }
}

/** A row for each part, and a column for each figure: the median. */
function partTable(parts: readonly Part[]): string {
  const figures = [...new Set(parts.map(({ figure }) => figure))]
  const rows = new Map(parts.map(({ row }) => [row.join(), row]))
  const cells = Array.from(rows, ([key, row]) => [
    ...row,
    ...figures.map((figure) => parts.find((part) => part.row.join() === key && part.figure === figure)?.cell ?? ''),
  ])
  return table(['case', 'contestant', 'part', ...figures], cells)
}

/** The contestants that were measured, and how each was set up. */
export function configurationList({ cases }: QuestionReport): string {
  const configurations = new Map(cases.flatMap(({ entries }) => entries.map((e) => [e.contestant, e.configuration])))
  return [...configurations].map(([contestant, configuration]) => `- ${contestant}: ${configuration}`).join('\n')
}

export function goalTable({ goals }: QuestionReport): string {
  return goals.length > 0 ? table(['goal', 'wanted', 'measured', ''], goals.map(cellsOfGoal)) : ''
}

function cellsOf(line: Line): readonly string[] {
  const { value, toOurs } = line
  const start = [line.case, line.contestant, line.figure]
  if (typeof value === 'string') return [...start, value, '', '']
  return [...start, readable(value.median), `${readable(value.least)} – ${readable(value.most)}`, ratio(toOurs)]
}

function cellsOfGoal({ says, goal, measured, met }: GoalReport): readonly string[] {
  if (measured === null || Number.isNaN(measured)) return [says, goal, 'not measured', '']
  return [says, goal, readable(measured), met ? 'met' : 'NOT met']
}

function ratio(toOurs: number | null): string {
  return toOurs === null || !Number.isFinite(toOurs) ? '' : toOurs.toFixed(toOurs < 0.1 ? 3 : 2)
}

export function readable(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 })
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
