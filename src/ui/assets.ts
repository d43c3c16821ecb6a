/** The files of the page: a stylesheet, a script and an icon. Their names contain a hash of their content, so that browsers can keep them. */
import { createHash } from 'node:crypto'
import { SCRIPT } from './script.ts'
import { BASE } from './style/base.ts'
import { CONTENT } from './style/content.ts'

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect x="1" y="3" width="14" height="10" rx="2" fill="#d23f31"/><path d="M2 5l6 4 6-4" fill="none" stroke="#fff" stroke-width="1.4"/></svg>'

interface File {
  readonly name: string
  readonly type: string
  readonly text: string
}

const style = file('style', 'css', { type: 'text/css; charset=utf-8', text: BASE + CONTENT })
const script = file('script', 'js', { type: 'text/javascript; charset=utf-8', text: SCRIPT })
const icon = file('icon', 'svg', { type: 'image/svg+xml', text: ICON })
const FILES: ReadonlyMap<string, File> = new Map([style, script, icon].map((one) => [one.name, one]))

export const ASSETS = Object.freeze({ style: style.name, script: script.name, icon: icon.name })

/** `null`: there is no such file. */
export function assetNamed(name: string): Response | null {
  const found = FILES.get(name)
  if (found === undefined) return null
  return new Response(found.text, {
    headers: { 'content-type': found.type, 'cache-control': 'private, max-age=31536000, immutable' },
  })
}

function file(name: string, extension: string, { type, text }: Omit<File, 'name'>): File {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 12)
  return Object.freeze({ name: `${name}-${hash}.${extension}`, type, text })
}
