/** `npm run docs:tables`: prints the option tables of the pages that have some. */
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { WITH_OPTIONS, withOptionTables } from './options-table.ts'

for (const file of WITH_OPTIONS) {
  const config = await resolveConfig(file)
  const printed = withOptionTables(readFileSync(file, 'utf8'))
  writeFileSync(file, await format(printed, { ...config, parser: 'markdown' }))
}
