/** `npm run docs:tables`: prints the parts of pages that come from the sources: option tables, commands, metrics. */
import { writeFileSync } from 'node:fs'
import { PRINTED_PAGES, printed } from './printed-pages.ts'

for (const file of PRINTED_PAGES) writeFileSync(file, await printed(file))
