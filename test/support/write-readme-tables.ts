/** `npm run docs:tables`: prints the option tables of README, and of the page about batches. */
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { withOptionTables } from './options-table.ts'

for (const file of ['README.md', 'docs/batches.md']) {
  const config = await resolveConfig(file)
  const printed = withOptionTables(readFileSync(file, 'utf8'))
  writeFileSync(file, await format(printed, { ...config, parser: 'markdown' }))
}
