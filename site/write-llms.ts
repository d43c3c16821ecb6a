/** Writes llms.txt to the root of the repository, for the package: `npm pack` and `npm publish` run this file first. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { llmsIndex } from './llms.ts'
import { ROOT } from './published.ts'

writeFileSync(
  join(ROOT, 'llms.txt'),
  llmsIndex((file) => file),
)
