/** The form above the list of events; it keeps what was filled in. */
import { asked } from '../asked.ts'
import { html, type Markup } from '../html.ts'
import { link } from '../link.ts'
import { choiceField, textField } from '../parts/fields.ts'
import { maySearchData } from '../shown-data.ts'
import type { Visit } from '../visit.ts'
import { STATES } from './event-filter.ts'

export function eventFilterForm(visit: Visit): Markup {
  const text = (name: string, label: string, placeholder = '') =>
    textField({ name, label, placeholder, value: asked(visit.query, name) })
  const choice = (name: string, label: string, values: readonly string[]) =>
    choiceField({
      name,
      label,
      value: asked(visit.query, name),
      options: values.map((value) => [value, value || 'any']),
    })
  return html`<form class="filter" action="${link(visit, '/events')}">
    ${text('type', 'Type', 'orders.*')} ${text('key', 'Partition key')} ${text('handler', 'Handler')}
    ${choice('state', 'State', ['', ...STATES])} ${text('since', 'Since (UTC)', '2026-05-01T12:00')}
    ${text('until', 'Until (UTC)')} ${text('correlation', 'Correlation id')} ${text('cause', 'Caused by event')}
    ${maySearchData(visit) ? html`${text('metadata', 'Metadata', 'tenant=acme')} ${text('text', 'Data contains')}` : ''}
    ${choiceField({
      name: 'first',
      label: 'First',
      value: asked(visit.query, 'first'),
      options: [
        ['', 'newest'],
        ['oldest', 'oldest'],
      ],
    })}
    <button class="act">Filter</button>
    <a class="button" href="${link(visit, '/events')}">Clear</a>
  </form>`
}
