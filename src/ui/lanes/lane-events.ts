/** The events of a lane: the waiting events in order, and the latest events, each with an action to rewind to it. */
import type { LaneName } from '../../deliveries/lanes.ts'
import type { RecordedEvent } from '../../record/recorded-event.ts'
import { doLink } from '../doing/do-link.ts'
import { html, type Markup } from '../html.ts'
import { link } from '../link.ts'
import { table } from '../parts/table.ts'
import { time } from '../parts/time.ts'
import type { Visit } from '../visit.ts'

const MOST = 20

export async function laneEvents(visit: Visit, { handler, partitionKey }: LaneName): Promise<Markup> {
  const { events: record } = visit.bus
  const [waiting, latest] = await Promise.all([
    record.list({ handler, partitionKey, state: 'unfinished', first: 'oldest', limit: MOST }),
    record.list({ handler, partitionKey, limit: MOST }),
  ])
  const key = partitionKey
  return html`<h2>Waiting, in order</h2>
    ${list(visit, { label: 'Events that wait in this lane', events: waiting.events, empty: 'Nothing waits.' })}
    ${waiting.cursor === null ? '' : more(visit, { handler, key, state: 'unfinished', first: 'oldest' })}
    <h2>The latest events of this lane</h2>
    ${list(visit, {
      label: 'The latest events of this lane',
      events: latest.events,
      empty: 'This handler has received none of this key.',
      act: ({ id }) =>
        doLink(visit, { name: 'rewind-lane', values: { handler, key, from: id }, text: 'Rewind to here', of: id }),
    })}
    ${latest.cursor === null ? '' : more(visit, { handler, key })}`
}

interface List {
  readonly label: string
  readonly events: readonly RecordedEvent[]
  readonly empty: string
  readonly act?: (event: RecordedEvent) => Markup | ''
}

function list(visit: Visit, { label, events, empty, act }: List): Markup {
  return table({
    label,
    columns: [{ head: 'Published (UTC)' }, { head: 'Type' }, { head: 'Event' }, ...(act ? [{ head: 'Acts' }] : [])],
    rows: events.map((event) => [
      time(event.publishedAt),
      event.type,
      html`<a class="id" href="${link(visit, `/events/${encodeURIComponent(event.id)}`)}">${event.id}</a>`,
      ...(act ? [act(event)] : []),
    ]),
    empty,
  })
}

function more(visit: Visit, values: Readonly<Record<string, string>>): Markup {
  return html`<p><a href="${link(visit, '/events', values)}">All of these</a></p>`
}
