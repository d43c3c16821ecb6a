/** The navigation on each page: links to the main pages, by name. */
import { html, type Markup } from '../html.ts'
import { link } from '../link.ts'
import type { Visit } from '../visit.ts'

const NAMED: readonly (readonly [path: string, name: string])[] = [
  ['/', 'Now'],
  ['/events', 'Events'],
  ['/handlers', 'Handlers'],
  ['/lanes', 'Lanes'],
  ['/dead-letters', 'Dead letters'],
  ['/schedules', 'Schedules'],
  ['/replays', 'Replays'],
  ['/acts', 'Acts'],
]

export function navigation(visit: Visit): Markup {
  return html`<nav aria-label="Pages">
    <ul>
      ${NAMED.map(([path, name]) => entry(visit, path, name))}
    </ul>
  </nav>`
}

function entry(visit: Visit, path: string, name: string): Markup {
  const isCurrent = visit.path === path || (path !== '/' && visit.path.startsWith(`${path}/`))
  const current = isCurrent ? html`aria-current="page"` : ''
  return html`<li><a href="${link(visit, path)}" ${current}>${name}</a></li>`
}
