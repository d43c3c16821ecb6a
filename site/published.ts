/** The files that are published, and the place of each on the site. */
import { globSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { DECISIONS, SECTIONS } from './pages.ts'

/** The root of the repository. */
export const ROOT = resolve(import.meta.dirname, '..')
/** The folder in which `assemble.ts` writes the pages for VitePress. */
export const ASSEMBLED = join(import.meta.dirname, '.pages')

/** Every file that is a page, in the order of the sidebar. */
export function publishedFiles(): readonly string[] {
  return [...SECTIONS.flatMap(({ pages }) => pages.map(({ file }) => file)), ...decisionFiles()]
}

export function decisionFiles(): readonly string[] {
  return docsFiles().filter((file) => file.startsWith(`${DECISIONS}/`))
}

/** Every Markdown file of docs/. */
export function docsFiles(): readonly string[] {
  return globSync('docs/**/*.md', { cwd: ROOT }).toSorted()
}

/** The place of a file on the site: `docs/ordering.md` becomes `ordering.md`, and README becomes the first page. */
export function placeOf(file: string): string {
  if (file === 'README.md') return 'index.md'
  return file.startsWith('docs/') ? relative('docs', file) : file.toLowerCase()
}

export function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

/** The first heading of a page, without Markdown marks. */
export function titleOf(file: string): string {
  const title = /^# (.+)$/m.exec(textOf(file))?.[1]
  if (title === undefined) throw new Error(`${file} has no heading "# …"`)
  return title.replaceAll('`', '')
}

/** The address of the repository from package.json, such as `https://github.com/owner/name`, or null. */
export function repositoryAddress(): string | null {
  const { repository } = JSON.parse(textOf('package.json')) as { repository?: string | { url: string } }
  const url = typeof repository === 'string' ? repository : repository?.url
  if (url === undefined) return null
  return url
    .replace(/^git\+/, '')
    .replace(/^github:/, 'https://github.com/')
    .replace(/\.git$/, '')
}
