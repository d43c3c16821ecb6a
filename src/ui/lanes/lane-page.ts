/** One lane: its head and the head's errors, the events that wait behind it in order, and what each action will do. */
import type { Lane } from '../../deliveries/lanes.ts'
import { laneOf } from '../doing/lanes.ts'
import { html, type Markup } from '../html.ts'
import { attemptsLine, stackRoom } from '../event/attempts.ts'
import { link } from '../link.ts'
import { badge } from '../parts/badge.ts'
import { facts } from '../parts/facts.ts'
import { number } from '../parts/number.ts'
import { time } from '../parts/time.ts'
import type { Page, Visit } from '../visit.ts'
import { laneActs } from './lane-acts.ts'
import { laneEvents } from './lane-events.ts'

export async function lanePage(visit: Visit): Promise<Page> {
  const name = laneOf(visit.query)
  const [lane, events] = await Promise.all([visit.bus.lanes.show(name), laneEvents(visit, name)])
  return {
    title: `Key ${name.partitionKey} of ${name.handler}`,
    isLive: true,
    body: html`<div id="lane" data-live>
      ${lane === null ? html`<p class="empty">Nothing of this key waits or runs at this handler.</p>` : head(visit, lane)}
      ${laneActs(visit, name, lane)} ${events}
      <p><a href="${link(visit, '/events', { key: name.partitionKey })}">All events of this key</a></p>
    </div>`,
  }
}

function head(visit: Visit, lane: Lane): Markup {
  const { state, since, dueAt, errors, behind, isPaused, eventId, eventType, queue } = lane
  const event =
    eventId === null
      ? 'unknown'
      : html`<a href="${link(visit, `/events/${encodeURIComponent(eventId)}`)}">${eventType ?? eventId}</a>`
  return html`${facts([
    ['State', html`${badge(state)}${isPaused ? html` ${badge('paused')}` : ''}`],
    ['At its head', event],
    [state === 'blocked' ? 'Died' : 'Published', time(since)],
    ['Next attempt', state === 'blocked' ? 'after someone retries it' : time(dueAt)],
    ['Behind it', number(behind)],
    ['Queue', queue],
  ])}
  ${
    errors.length === 0
      ? ''
      : html`<h2>Attempts at the head</h2>
          ${attemptsLine(visit, { state, errors, dueAt }, stackRoom())}`
  }`
}
