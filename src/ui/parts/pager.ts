/** The links to the next page of a list, and back to its first page. */
import { html, type Markup } from '../html.ts'
import { linkHere } from '../link.ts'
import type { Visit } from '../visit.ts'

export function pager(visit: Visit, cursor: string | null): Markup | '' {
  const isFirst = !visit.query.has('cursor')
  if (isFirst && cursor === null) return ''
  return html`<nav class="pager" aria-label="Pages of this list">
    ${isFirst ? '' : html`<a href="${linkHere(visit, { cursor: null })}">First page</a>`}
    ${cursor === null ? '' : html`<a href="${linkHere(visit, { cursor })}" rel="next">Next page</a>`}
  </nav>`
}
