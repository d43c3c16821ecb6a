/** The way from each page to each other: pages by name, and a search for an event by its id, key, correlation id or data. */
import { html, type Markup } from '../html.ts'
import { link } from '../link.ts'
import type { Visit } from '../visit.ts'

const NAMED: readonly (readonly [path: string, name: string])[] = [
  ['/', 'Now'],
  ['/events', 'Events'],
  ['/dead-letters', 'Dead letters'],
]

export function navigation(visit: Visit): Markup {
  return html`<nav aria-label="Pages">
    <ul>
      ${NAMED.map(([path, name]) => entry(visit, path, name))}
    </ul>
  </nav>`
}

function entry(visit: Visit, path: string, name: string): Markup {
  const current = visit.path === path ? html` aria-current="page"` : ''
  return html`<li><a href="${link(visit, path)}" ${current}>${name}</a></li>`
}
