/** `npm run docs:tables`: prints README's option tables. */
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { withOptionTables } from './options-table.ts'

const config = await resolveConfig('README.md')
writeFileSync(
  'README.md',
  await format(withOptionTables(readFileSync('README.md', 'utf8')), { ...config, parser: 'markdown' }),
)
