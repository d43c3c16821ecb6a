/** What became of an event at each handler, and what can be done about it. */
import type { DeliveryStatus } from '../../record/event-status.ts'
import type { RecordedEvent } from '../../record/recorded-event.ts'
import type { DeliveryState } from '../../deliveries/delivery-state.ts'
import { doLink } from '../doing/do-link.ts'
import type { DoingName } from '../doing/doings.ts'
import { html, type Markup } from '../html.ts'
import { link, type Values } from '../link.ts'
import { badge } from '../parts/badge.ts'
import { count } from '../parts/number.ts'
import { messageFor } from '../shown-error.ts'
import type { Visit } from '../visit.ts'
import { attemptsLine, stackRoom, type StackRoom } from './attempts.ts'

/** Deliveries that need an operator come first. */
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
  const isTold = reason !== null && !one.errors.at(-1)?.message.endsWith(reason)
  return html`<section class="delivery" aria-label="${handler}">
    <h3>
      <a href="${link(visit, `/handlers/${encodeURIComponent(handler)}`)}">${handler}</a> ${badge(state)}
      <span class="hint">${count(attempts, 'attempt')}</span>
    </h3>
    ${isTold ? html`<p>${messageFor(visit, reason)}</p>` : ''} ${attemptsLine(visit, one, room)}
    ${actsOn(visit, event, one)}
  </section>`
}

/** The links for each state of a delivery: the action and its text. */
const OFFERS: Partial<Record<DeliveryState, readonly (readonly [name: DoingName, text: string])[]>> = {
  dead: [
    ['retry-dead-letters', 'Try again'],
    ['dismiss-dead-letters', 'Discard'],
  ],
  blocked: [
    ['retry-head', 'Try again'],
    ['skip-head', 'Discard'],
  ],
  retrying: [
    ['retry-head', 'Try again now'],
    ['skip-head', 'Discard'],
  ],
  awaiting: [
    ['complete-delivery', 'It is done'],
    ['skip-delivery', 'Nothing to do'],
    ['fail-delivery', 'It has failed'],
  ],
}
const ENDED: ReadonlySet<DeliveryState> = new Set(['done', 'skipped', 'expired', 'superseded', 'cancelled'])

function actsOn(visit: Visit, { partitionKey }: RecordedEvent, one: DeliveryStatus): Markup | '' {
  const { deliveryId, handler, state } = one
  const values = { id: deliveryId, handler, key: partitionKey }
  const offers = state === 'retrying' && partitionKey === null ? [] : (OFFERS[state] ?? [])
  const links = offers.map(([name, text]) =>
    doLink(visit, { name, values: valuesFor(name, values), text, of: handler }),
  )
  const hasLane = partitionKey !== null && !ENDED.has(state)
  if (links.length === 0 && !hasLane) return ''
  const lane = link(visit, '/lanes/show', { handler, key: partitionKey })
  return html`<p class="acts">${links} ${hasLane ? html`<a href="${lane}">Lane of this key</a>` : ''}</p>`
}

/** Acts on the head of a lane take a handler and a key; the other acts take the id of this one delivery. */
function valuesFor(name: DoingName, { id, ...lane }: { readonly id: string } & Values): Values {
  return name === 'retry-head' || name === 'skip-head' ? lane : { id }
}
