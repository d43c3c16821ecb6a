/** Shows the fields around the data of an event. */
import type { DeliveryStatus, EventStatus } from '../../record/event-status.ts'
import type { RecordedEvent } from '../../record/recorded-event.ts'
import { html, type Markup } from '../html.ts'
import { link } from '../link.ts'
import { badge } from '../parts/badge.ts'
import { facts } from '../parts/facts.ts'
import { oneLine } from '../parts/one-line.ts'
import { time } from '../parts/time.ts'
import { hiddenMark } from '../shown-data.ts'
import type { Visit } from '../visit.ts'

export function envelopePart(visit: Visit, { event, isFinished, deliveries }: EventStatus): Markup {
  const to = (name: string, value: string | null) =>
    value === null ? null : html`<a class="key" href="${link(visit, '/events', { [name]: value })}">${value}</a>`
  return facts([
    ['State', stateOf(isFinished, deliveries)],
    ['Id', html`<span class="id">${event.id}</span>`],
    ['Type', html`${to('type', event.type)} version ${event.version}`],
    ['Partition key', to('key', event.partitionKey)],
    ['Published', time(event.publishedAt)],
    ['Occurred', time(event.occurredAt)],
    ['Due', event.dueAt === undefined ? null : time(event.dueAt)],
    ['Expires', event.expiresAt === null ? null : time(event.expiresAt)],
    ['Correlation id', to('correlation', event.correlationId)],
    ['Caused by', causeOf(visit, event)],
    ['Source', event.source],
    ['Metadata', metadataOf(visit, event)],
    ['Place in the log', event.seq],
  ])
}

/** Finished does not mean that all went well: a dead letter is finished too. */
function stateOf(isFinished: boolean, deliveries: readonly DeliveryStatus[]): Markup {
  const isDead = deliveries.some(({ state }) => state === 'dead' || state === 'blocked')
  const runsOn = isFinished ? 'Nothing of it runs again by itself.' : 'Something of it waits or runs.'
  return html`${badge(isFinished ? 'finished' : 'unfinished')}${isDead ? html` ${badge('dead')}` : ''} ${runsOn}`
}

function causeOf(visit: Visit, { causationId, causedByHandler }: RecordedEvent): Markup | null {
  if (causationId === null) return null
  const by = causedByHandler === null ? '' : ` by ${causedByHandler}`
  return html`<a class="id" href="${link(visit, `/events/${encodeURIComponent(causationId)}`)}">${causationId}</a>${by}`
}

function metadataOf({ viewer }: Visit, { metadata }: RecordedEvent): string | Markup | null {
  if (Object.keys(metadata).length === 0) return null
  return viewer.showData ? html`<code>${oneLine(metadata, 1_000)}</code>` : hiddenMark
}
