/** The link to an action's preview; viewers who may only read do not see it. */
import { html, type Markup } from '../html.ts'
import { here, link, type Values } from '../link.ts'
import type { Visit } from '../visit.ts'
import type { DoingName } from './doings.ts'

interface DoLink {
  readonly name: DoingName
  readonly values: Values
  readonly text: string
  /** For screen readers: what the action applies to, when several links have the same text. */
  readonly of?: string
}

export function doLink(visit: Visit, { name, values, text, of }: DoLink): Markup | '' {
  if (visit.viewer.level !== 'all') return ''
  const href = link(visit, `/do/${name}`, { ...values, back: here(visit) })
  return html`<a class="button" href="${href}" ${of === undefined ? '' : html`aria-label="${`${text}: ${of}`}"`}
    >${text}</a
  >`
}
