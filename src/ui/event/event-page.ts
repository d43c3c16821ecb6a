/** **Event**: all that is known of one event: its state at each handler, its data, what caused it, and what it caused. */
import type { RecordedEvent } from '../../record/recorded-event.ts'
import { doLink } from '../doing/do-link.ts'
import { html, type Markup } from '../html.ts'
import { notFound } from '../layout/problem.ts'
import { link } from '../link.ts'
import { now } from '../../clock.ts'
import { shownData } from '../shown-data.ts'
import type { Page, Visit } from '../visit.ts'
import { dataTree } from './data-tree.ts'
import { deliveriesPart } from './deliveries-part.ts'
import { envelopePart } from './envelope-part.ts'
import { notReceivedPart } from './not-received-part.ts'
import { relatedPart } from './related-part.ts'
import { treePart } from './tree-part.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export async function eventPage(visit: Visit): Promise<Page> {
  const { bus } = visit
  const id = visit.parameter('id')
  const status = UUID.test(id) ? await bus.events.status(id) : null
  if (status === null) {
    return notFound(visit, 'No event of this id is stored: it was never published, or its retention is over.')
  }
  const { event, deliveries, isFinished } = status
  const [tree, others, related] = await Promise.all([
    bus.events.tree(id),
    notReceivedPart(visit, event, deliveries),
    relatedPart(visit, event),
  ])
  return {
    title: event.type,
    isLive: !isFinished,
    body: html`<div id="event" data-live>
      ${envelopePart(visit, status)}
      <div class="columns">
        <section>
          <h2>Handlers</h2>
          ${deliveriesPart(visit, event, deliveries)} ${others}
        </section>
        <section>
          <h2>Data</h2>
          ${dataPart(visit, event)}
          <h2>Causes and effects</h2>
          ${tree === null ? '' : treePart(visit, tree)} ${related}
        </section>
      </div>
      ${await actsPart(visit, event)}
    </div>`,
  }
}

function dataPart(visit: Visit, event: RecordedEvent): Markup {
  const shown = shownData(visit, event)
  if (shown.is === 'hidden') return html`<p class="empty">The data is shown only to people with full access.</p>`
  const raw = event.isRaw ? html`<p class="warn">It cannot be decoded here: this is the stored text.</p>` : ''
  const unparsed = event.isUnparsed
    ? html`<p class="hint">From SQL: workers check it by the schema of the event type.</p>`
    : ''
  return html`${raw}${unparsed}${dataTree(shown.data)}`
}

/** Acts on the event itself; acts on one delivery are shown beside that delivery. */
async function actsPart(visit: Visit, event: RecordedEvent): Promise<Markup | ''> {
  if (visit.viewer.level !== 'all') return ''
  const values = { id: event.id }
  const isDelayed = event.dueAt !== undefined && event.dueAt > now()
  const handlers = await visit.bus.handlersOf(event.type)
  const targets = handlers.filter(({ options }) => options.runs === 'in-worker').slice(0, 40)
  return html`<h2>Acts on this event</h2>
    <p class="acts">
      ${isDelayed ? doLink(visit, { name: 'cancel-event', values, text: 'Cancel it' }) : ''}
      ${targets.map(({ handler }) =>
        doLink(visit, { name: 'replay-event', values: { ...values, handler }, text: `Replay to ${handler}` }),
      )}
      ${doLink(visit, { name: 'redact-event', values, text: 'Redact its data' })}
    </p>
    <p class="hint"><a href="${link(visit, '/replays', { type: event.type })}">Replay many events of this type</a></p>`
}
