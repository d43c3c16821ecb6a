/** `npm run docs:bench`: prints the tables of docs/performance.md and the charts from the results that are kept. */
import { writeDocuments } from './documents.ts'

await writeDocuments()
