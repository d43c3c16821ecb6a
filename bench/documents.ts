/** Writes the kept results into the documentation: a table for each question, and a chart. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { chartOf } from './chart.ts'
import { questions } from './questions/index.ts'
import { readReport } from './results.ts'
import { configurationList, figureTable, goalTable, machineLine } from './table.ts'

const root = resolve(import.meta.dirname, '..')

export async function writeDocuments(): Promise<void> {
  for (const [path, text] of await documents()) {
    const file = resolve(root, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}

/** The text that each document ought to have, by the document's path from the project's folder. */
export async function documents(): Promise<ReadonlyMap<string, string>> {
  const page = 'docs/performance.md'
  const config = await resolveConfig(resolve(root, page))
  const text = await format(withResults(readFileSync(resolve(root, page), 'utf8')), { ...config, parser: 'markdown' })
  return new Map([[page, text], ...charts()])
}

function charts(): readonly (readonly [string, string])[] {
  return questions.flatMap(({ name }) => {
    const report = readReport(name)
    const chart = report && chartOf(report)
    return chart ? [[chartFile(name), chart] as const] : []
  })
}

function chartFile(question: string): string {
  return `docs/charts/${question}.svg`
}

/** Returns the page with the text between `<!-- bench: NAME -->` and `<!-- /bench -->` replaced by the current results. */
function withResults(page: string): string {
  return page.replace(/<!-- bench: ([a-z-]+) -->\n[\s\S]*?<!-- \/bench -->/g, (_, name: string) => {
    if (!questions.some((question) => question.name === name)) throw new Error(`No question is named "${name}".`)
    return `<!-- bench: ${name} -->\n\n${resultsOf(name)}\n\n<!-- /bench -->`
  })
}

function resultsOf(name: string): string {
  const report = readReport(name)
  if (!report) return 'Not measured yet.'
  const parts = [
    chartOf(report) === null ? '' : `![${report.asks}](${chartFile(name).replace('docs/', '')})`,
    figureTable(report),
    goalTable(report),
    configurationList(report),
    report.notes.map((note) => `- ${note}`).join('\n'),
    `Measured with \`${report.command ?? `npm run bench -- ${name}`}\`: ${machineLine(report)}.`,
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}
