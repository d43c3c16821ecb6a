/** Links of the Markdown files, made right for the site: to its own pages, to files that are published as they are, or to the repository. */
import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { headingsOf, outsideOfCode } from './markdown.ts'
import { placeOf, publishedFiles, repositoryAddress, ROOT, textOf } from './published.ts'

export interface Rewritten {
  readonly text: string
  /** Links that lead nowhere, each with its file. */
  readonly broken: readonly string[]
}

/** A link `[text](target)` or the start of one around an image; the target has no spaces. */
const LINK = /(!?)\[((?:[^[\]]|\[[^\]]*\]|!\[[^\]]*\]\([^)]*\))*)\]\(([^()\s]+)\)/g

/** What links can lead to on the site. */
export interface Targets {
  readonly files: ReadonlySet<string>
  headingsOf(file: string): readonly string[]
  readonly repository: string | null
}

/** Reads each page once. */
export function linkTargets(): Targets {
  const headings = new Map<string, readonly string[]>()
  return {
    files: new Set(publishedFiles()),
    headingsOf(file) {
      const found = headings.get(file) ?? headingsOf(textOf(file))
      headings.set(file, found)
      return found
    },
    repository: repositoryAddress(),
  }
}

/** The text of `file` with its links as the site has them. */
export function withLinksOfSite(file: string, text: string, targets: Targets): Rewritten {
  const broken: string[] = []
  const rewrite = (part: string): string =>
    part.replace(LINK, (link: string, image: string, label: string, target: string) => {
      const found = targetOf(file, target, targets)
      if (found === null) broken.push(`${file} → ${target}`)
      const inner = label.includes('](') ? rewrite(label) : label
      if (found === null || found === 'no address') return image ? link : inner
      return `${image}[${inner}](${found})`
    })
  return { text: outsideOfCode(text, rewrite), broken }
}

/** Where a link of `file` leads on the site, or null when it leads nowhere. */
function targetOf(file: string, target: string, { files, repository, ...read }: Targets): string | null {
  if (/^[a-z]+:/.test(target)) return target
  const [path = '', anchor] = target.split('#')
  const pointed = path === '' ? file : posix.normalize(posix.join(posix.dirname(file), decodeURI(path)))
  if (pointed.startsWith('..') || !existsSync(join(ROOT, pointed))) return null

  if (files.has(pointed)) {
    if (anchor !== undefined && !read.headingsOf(pointed).includes(anchor)) return null
    const place = path === '' ? '' : `/${placeOf(pointed)}`
    return anchor === undefined ? place : `${place}#${anchor}`
  }
  if (pointed.startsWith('docs/') && /\.\w+$/.test(pointed)) return `/${posix.relative('docs', pointed)}`
  return repository === null ? 'no address' : `${repository}/blob/main/${pointed}`
}
