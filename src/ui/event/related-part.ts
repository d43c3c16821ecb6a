/** Events of the same correlation id: usually all that one request has caused. */
import type { RecordedEvent } from '../../record/recorded-event.ts'
import { html, type Markup } from '../html.ts'
import { link } from '../link.ts'
import { table } from '../parts/table.ts'
import { time } from '../parts/time.ts'
import type { Visit } from '../visit.ts'

const MOST = 15

export async function relatedPart(visit: Visit, { id, correlationId }: RecordedEvent): Promise<Markup | ''> {
  if (correlationId === null || correlationId.length > 512) return ''
  const { events, cursor } = await visit.bus.events.list({ correlationId, first: 'oldest', limit: MOST + 1 })
  const others = events.filter((event) => event.id !== id).slice(0, MOST)
  if (others.length === 0) return ''
  return html`<h2>Of the same correlation id</h2>
    ${table({
      label: 'Events of the same correlation id',
      columns: [{ head: 'Published (UTC)' }, { head: 'Type' }, { head: 'Key' }],
      rows: others.map((event) => [
        time(event.publishedAt),
        html`<a href="${link(visit, `/events/${encodeURIComponent(event.id)}`)}">${event.type}</a>`,
        html`<span class="key">${event.partitionKey ?? '–'}</span>`,
      ]),
      empty: '',
    })}
    ${cursor === null ? '' : html`<p><a href="${link(visit, '/events', { correlation: correlationId })}">All of them</a></p>`}`
}
