/** `npm run docs:map`: prints the map of rooms in `docs/architecture.md`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { withMap } from './architecture-map.ts'

const FILE = 'docs/architecture.md'
writeFileSync(FILE, withMap(readFileSync(FILE, 'utf8')))
