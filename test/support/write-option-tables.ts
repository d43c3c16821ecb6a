/** `npm run docs:tables`: prints what is printed from the sources: the option tables, the commands, the metrics. */
import { writeFileSync } from 'node:fs'
import { PRINTED_PAGES, printed } from './printed-pages.ts'

for (const file of PRINTED_PAGES) writeFileSync(file, await printed(file))
