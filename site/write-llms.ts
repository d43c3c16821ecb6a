/** Writes llms.txt into the root, for the package: `npm pack` and `npm publish` do it before they pack. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { llmsIndex } from './llms.ts'
import { ROOT } from './published.ts'

writeFileSync(
  join(ROOT, 'llms.txt'),
  llmsIndex((file) => file),
)
