/** The pages that have parts printed from the sources. */
import { readFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { withOptionTables } from './options-table.ts'
import { withPrintedParts } from './reference-parts.ts'

export const PRINTED_PAGES = [
  'docs/batches.md',
  'docs/configuration.md',
  'docs/handlers.md',
  'docs/reference/cli.md',
  'docs/reference/metrics.md',
  'docs/reference/options.md',
] as const

/** Returns the text that `file` should have. */
export async function printed(file: string): Promise<string> {
  const page = withPrintedParts(withOptionTables(readFileSync(file, 'utf8')))
  return format(page, { ...(await resolveConfig(file)), parser: 'markdown' })
}
