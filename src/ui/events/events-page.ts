/** **Events**: lists what was published, with the filters of `bus.events.list`. The address of the page contains the filter. */
import type { RecordedEvent } from '../../record/recorded-event.ts'
import { html } from '../html.ts'
import { orWhatIsWrong } from '../layout/problem.ts'
import { link } from '../link.ts'
import { pager } from '../parts/pager.ts'
import { table, type Cell } from '../parts/table.ts'
import { time } from '../parts/time.ts'
import { dataLine } from '../shown-data.ts'
import type { Page, Visit } from '../visit.ts'
import { queryOf } from './event-filter.ts'
import { eventFilterForm } from './event-filter-form.ts'

export function eventsPage(visit: Visit): Promise<Page> {
  return orWhatIsWrong({ title: 'Events', form: eventFilterForm(visit) }, async () => {
    const { events, cursor } = await visit.bus.events.list(queryOf(visit))
    return html`${table({
      label: 'Events',
      columns: [{ head: 'Published (UTC)' }, { head: 'Type' }, { head: 'Key' }, { head: 'Event' }, { head: 'Data' }],
      rows: events.map((event) => rowOf(visit, event)),
      empty: cursor === null ? 'No event matches.' : 'None so far: the search goes on with the next page.',
    })}
    ${pager(visit, cursor)}`
  })
}

function rowOf(visit: Visit, event: RecordedEvent): readonly Cell[] {
  const { publishedAt, type, partitionKey, id } = event
  return [
    time(publishedAt),
    type,
    partitionKey === null
      ? html`<span class="none">–</span>`
      : html`<a class="key" href="${link(visit, '/events', { key: partitionKey })}">${partitionKey}</a>`,
    html`<a class="id" href="${link(visit, `/events/${encodeURIComponent(id)}`)}">${id}</a>`,
    dataLine(visit, event),
  ]
}
