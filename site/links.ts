/** Rewrites the links of the Markdown files for the site: to its own pages, to files that are published unchanged, or to the repository. */
import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { headingsOf, outsideOfCode } from './markdown.ts'
import { placeOf, publishedFiles, repositoryAddress, ROOT, textOf } from './published.ts'

export interface Rewritten {
  readonly text: string
  /** The broken links, each with the file that contains it. */
  readonly broken: readonly string[]
}

/** A link `[text](target)` or the start of one around an image; the target has no spaces. */
const LINK = /(!?)\[((?:[^[\]]|\[[^\]]*\]|!\[[^\]]*\]\([^)]*\))*)\]\(([^()\s]+)\)/g

/** The possible targets of links on the site. */
export interface Targets {
  readonly files: ReadonlySet<string>
  headingsOf(file: string): readonly string[]
  readonly repository: string | null
}

/** Reads each page at most once. */
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

/** Returns the text of `file` with its links rewritten for the site. */
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

/** Returns the address on the site for a link in `file`, or null when the link is broken. */
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
