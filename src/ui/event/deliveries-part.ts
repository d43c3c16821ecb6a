/** What became of an event at each handler, and what can be done about it. */
import type { DeliveryStatus } from '../../record/event-status.ts'
import type { RecordedEvent } from '../../record/recorded-event.ts'
import { doLink } from '../doing/do-link.ts'
import { html, type Markup } from '../html.ts'
import { link } from '../link.ts'
import { badge } from '../parts/badge.ts'
import { count } from '../parts/number.ts'
import { messageFor } from '../shown-error.ts'
import type { Visit } from '../visit.ts'
import { attemptsLine, stackRoom, type StackRoom } from './attempts.ts'

/** What needs someone stands first. */
const RANK: Partial<Record<string, number>> = { dead: 0, blocked: 0, retrying: 1, awaiting: 2, running: 3, done: 9 }
const MOST = 60

export function deliveriesPart(visit: Visit, event: RecordedEvent, deliveries: readonly DeliveryStatus[]): Markup {
  if (deliveries.length === 0) return html`<p class="empty">No handler has received it.</p>`
  const sorted = deliveries.toSorted((one, other) => (RANK[one.state] ?? 5) - (RANK[other.state] ?? 5))
  const room = stackRoom()
  return html`${sorted.slice(0, MOST).map((one) => delivery({ visit, event, room }, one))}
  ${sorted.length > MOST ? html`<p class="hint">And ${count(sorted.length - MOST, 'handler')} more.</p>` : ''}`
}

interface Around {
  readonly visit: Visit
  readonly event: RecordedEvent
  readonly room: StackRoom
}

function delivery({ visit, event, room }: Around, one: DeliveryStatus): Markup {
  const { handler, state, attempts, reason } = one
  const isTold = reason !== null && reason !== one.errors.at(-1)?.message
  return html`<section class="delivery" aria-label="${handler}">
    <h3>
      <a href="${link(visit, `/handlers/${encodeURIComponent(handler)}`)}">${handler}</a> ${badge(state)}
      <span class="hint">${count(attempts, 'attempt')}</span>
    </h3>
    ${isTold ? html`<p>${messageFor(visit, reason)}</p>` : ''} ${attemptsLine(visit, one, room)}
    ${actsOn(visit, event, one)}
  </section>`
}

function actsOn(visit: Visit, event: RecordedEvent, { deliveryId, handler, state }: DeliveryStatus): Markup | '' {
  const letter = { id: deliveryId }
  const lane = { handler, key: event.partitionKey }
  const hasLane = event.partitionKey !== null
  const toLane =
    hasLane && state !== 'done' ? html`<a href="${link(visit, '/lanes/show', lane)}">Lane of this key</a>` : ''
  return html`<p class="acts">
    ${
      state === 'dead'
        ? html`${doLink(visit, { name: 'retry-dead-letters', values: letter, text: 'Try again', of: handler })}
          ${doLink(visit, { name: 'dismiss-dead-letters', values: letter, text: 'Discard', of: handler })}`
        : ''
    }
    ${
      state === 'blocked' || (state === 'retrying' && hasLane)
        ? html`${doLink(visit, { name: 'retry-head', values: lane, text: 'Try again', of: handler })}
          ${doLink(visit, { name: 'skip-head', values: lane, text: 'Discard', of: handler })}`
        : ''
    }
    ${
      state === 'awaiting'
        ? html`${doLink(visit, { name: 'complete-delivery', values: letter, text: 'It is done', of: handler })}
          ${doLink(visit, { name: 'skip-delivery', values: letter, text: 'Nothing to do', of: handler })}
          ${doLink(visit, { name: 'fail-delivery', values: letter, text: 'It has failed', of: handler })}`
        : ''
    }
    ${toLane}
  </p>`
}
