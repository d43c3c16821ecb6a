/** Prints a question's results as Markdown, so that they can be read in a terminal and pasted into a page. */
import type { GoalReport, Line } from './summary.ts'
import type { QuestionReport } from './results.ts'

export function printReport(report: QuestionReport): string {
  const { question, asks, notes, machine, cases, lines, goals } = report
  const configurations = new Map(cases.flatMap(({ entries }) => entries.map((e) => [e.contestant, e.configuration])))
  return [
    `## ${question}: ${asks}`,
    `${machine.postgres}; Node ${machine.node}; ${machine.cores} cores (${machine.cpu}); load ${machine.load}; ${machine.at}`,
    table(['case', 'contestant', 'figure', 'median', 'least – most', '× ours'], lines.map(cellsOf)),
    [...configurations].map(([contestant, configuration]) => `- ${contestant}: ${configuration}`).join('\n'),
    notes.map((note) => `- ${note}`).join('\n'),
    goals.length > 0 ? table(['goal', 'wanted', 'measured', ''], goals.map(cellsOfGoal)) : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function cellsOf(line: Line): readonly string[] {
  const { value, toOurs } = line
  const start = [line.case, line.contestant, line.figure]
  if (typeof value === 'string') return [...start, value, '', '']
  return [...start, readable(value.median), `${readable(value.least)} – ${readable(value.most)}`, ratio(toOurs)]
}

function cellsOfGoal({ says, goal, measured, met }: GoalReport): readonly string[] {
  if (Number.isNaN(measured)) return [says, goal, 'not measured', '']
  return [says, goal, readable(measured), met ? 'met' : 'NOT met']
}

function ratio(toOurs: number | null): string {
  return toOurs === null ? '' : toOurs.toFixed(toOurs < 0.1 ? 3 : 2)
}

export function readable(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 })
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
