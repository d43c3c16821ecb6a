/** Writes the pages to `.pages`, for VitePress: all of docs/ and the pages of the root, with links that work on the site. */
import { cpSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { llmsFull, llmsIndex } from './llms.ts'
import { linkTargets, withLinksOfSite, type Targets } from './links.ts'
import { ASSEMBLED, placeOf, publishedFiles, ROOT, textOf } from './published.ts'

/** @throws Error that lists every broken link. */
export function assemble(): void {
  rmSync(ASSEMBLED, { recursive: true, force: true })
  const targets = linkTargets()
  const broken = publishedFiles().flatMap((file) => assemblePage(file, targets))
  if (broken.length > 0) throw new Error(`Links that lead nowhere:\n${broken.join('\n')}`)

  copyTheRest()
  write('public/llms.txt', llmsIndex(placeOf))
  write('public/llms-full.txt', llmsFull())
}

/** Writes one changed page again, while `npm run docs:dev` serves the site. */
export function assembleAgain(path: string): void {
  const file = relative(ROOT, path)
  if (publishedFiles().includes(file)) for (const link of assemblePage(file, linkTargets())) console.error(link)
}

/** Returns the broken links of the page. */
function assemblePage(file: string, targets: Targets): readonly string[] {
  const { text, broken } = withLinksOfSite(file, textOf(file), targets)
  write(placeOf(file), text)
  write(join('public', placeOf(file)), textOf(file)) // unchanged, for programs
  return broken
}

/** Pictures, and the YAML and JSON that pages link to. */
function copyTheRest(): void {
  for (const file of globSync('docs/**/*.*', { cwd: ROOT, exclude: (name) => name.endsWith('.md') }))
    cpSync(join(ROOT, file), join(ASSEMBLED, 'public', relative('docs', file)))
}

function write(place: string, text: string): void {
  const file = join(ASSEMBLED, place)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

if (import.meta.main) assemble()
