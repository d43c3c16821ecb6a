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

/** The text of `file` with its links as the site has them. */
export function withLinksOfSite(file: string, text: string): Rewritten {
  const broken: string[] = []
  const rewrite = (part: string): string =>
    part.replace(LINK, (link: string, image: string, label: string, target: string) => {
      const found = targetOf(file, target)
      if (found === null) broken.push(`${file} → ${target}`)
      const inner = label.includes('](') ? rewrite(label) : label
      if (found === null || found === 'no address') return image ? link : inner
      return `${image}[${inner}](${found})`
    })
  return { text: outsideOfCode(text, rewrite), broken }
}

/** Where a link of `file` leads on the site, or null when it leads nowhere. */
function targetOf(file: string, target: string): string | null {
  if (/^[a-z]+:/.test(target)) return target
  const [path = '', anchor] = target.split('#')
  const pointed = path === '' ? file : posix.normalize(posix.join(posix.dirname(file), decodeURI(path)))
  if (pointed.startsWith('..') || !existsSync(join(ROOT, pointed))) return null

  if (publishedFiles().includes(pointed)) {
    if (anchor !== undefined && !headingsOf(textOf(pointed)).includes(anchor)) return null
    const place = path === '' ? '' : `/${placeOf(pointed)}`
    return anchor === undefined ? place : `${place}#${anchor}`
  }
  if (pointed.startsWith('docs/') && /\.\w+$/.test(pointed)) return `/${posix.relative('docs', pointed)}`
  const repository = repositoryAddress()
  return repository === null ? 'no address' : `${repository}/blob/main/${pointed}`
}
