/** What caused an event and what it caused, drawn as a tree. */
import type { EventBranch, EventTree } from '../../record/event-query.ts'
import type { RecordedEvent } from '../../record/recorded-event.ts'
import { html, type Markup } from '../html.ts'
import { link } from '../link.ts'
import { number } from '../parts/number.ts'
import type { Visit } from '../visit.ts'

/** A page stays below 100 KB; a tree can have ten thousand events. */
const MOST = 80

interface Room {
  left: number
  hidden: number
}

export function treePart(visit: Visit, tree: EventTree): Markup {
  const room: Room = { left: MOST, hidden: 0 }
  const causes = tree.causes.slice(-MOST / 2)
  const drawn = causes.reduceRight<Markup>(
    (inside, event) =>
      html`<li>
        ${entry(visit, event)}
        <ul>
          ${inside}
        </ul>
      </li>`,
    branch(visit, tree, room, true),
  )
  return html`<ul class="tree">
      ${drawn}
    </ul>
    ${room.hidden > 0 ? html`<p class="hint">And ${number(room.hidden)} more below these.</p>` : ''}`
}

function branch(visit: Visit, { event, caused }: EventBranch, room: Room, isThis = false): Markup {
  room.left -= 1
  const inside: Markup[] = []
  for (const one of caused) {
    if (room.left > 0) inside.push(branch(visit, one, room))
    else room.hidden += 1
  }
  return html`<li>
    ${isThis ? html`<span class="this" aria-current="true">${event.type}</span>` : entry(visit, event)}
    ${
      inside.length > 0
        ? html`<ul>
            ${inside}
          </ul>`
        : ''
    }
  </li>`
}

function entry(visit: Visit, { id, type, causedByHandler }: RecordedEvent): Markup {
  const by = causedByHandler === null ? '' : html` <span class="hint">by ${causedByHandler}</span>`
  return html`<a href="${link(visit, `/events/${encodeURIComponent(id)}`)}">${type}</a>${by}`
}
