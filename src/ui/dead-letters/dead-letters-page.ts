/** **Dead letters**: lists them by handler and error; an operator filters them first, then acts on all or on some. */
import { asked } from '../asked.ts'
import { doLink } from '../doing/do-link.ts'
import { html, type Markup } from '../html.ts'
import { link } from '../link.ts'
import { textField } from '../parts/fields.ts'
import { pager } from '../parts/pager.ts'
import type { Page, Visit } from '../visit.ts'
import { orWhatIsWrong } from '../layout/problem.ts'
import { letterFilterOf } from './letter-filter.ts'
import { GROUPED, letterGroups } from './letter-groups.ts'
import { letterTable } from './letter-table.ts'

const ON_A_PAGE = 50

export function deadLettersPage(visit: Visit): Promise<Page> {
  return orWhatIsWrong({ title: 'Dead letters', form: filterForm(visit) }, async () => {
    const filter = letterFilterOf(visit.query)
    const cursor = asked(visit.query, 'cursor')
    const { deadLetters } = visit.bus
    const [page, oldest] = await Promise.all([
      deadLetters.list({ ...filter, cursor, limit: ON_A_PAGE }),
      cursor === null ? deadLetters.list({ ...filter, limit: GROUPED }) : null,
    ])
    return html`${oldest === null ? '' : letterGroups(visit, oldest)}
      <h2>One by one, the oldest first</h2>
      ${letterTable(visit, page.deadLetters)} ${pager(visit, page.cursor)}
      ${page.deadLetters.length > 0 ? actsOnAll(visit) : ''}`
  })
}

/** Acts on all dead letters that match the filter. An empty filter matches everything. */
function actsOnAll(visit: Visit): Markup | '' {
  const { query } = visit
  const values = { handler: asked(query, 'handler'), type: asked(query, 'type'), error: asked(query, 'error') }
  const isNamed = Object.values(values).some((value) => value !== null)
  const which = isNamed ? values : { all: 'yes' }
  const what = isNamed ? 'all that match' : 'all'
  return html`<p class="acts">
    ${doLink(visit, { name: 'retry-dead-letters', values: which, text: `Retry ${what}` })}
    ${doLink(visit, { name: 'dismiss-dead-letters', values: which, text: `Dismiss ${what}` })}
  </p>`
}

function filterForm(visit: Visit): Markup {
  const text = (name: string, label: string, placeholder = '') =>
    textField({ name, label, placeholder, value: asked(visit.query, name) })
  return html`<form class="filter" action="${link(visit, '/dead-letters')}">
    ${text('handler', 'Handler')} ${text('type', 'Event type')} ${text('error', 'Error', 'ECONNREFUSED')}
    <button class="act">Filter</button>
    <a class="button" href="${link(visit, '/dead-letters')}">Clear</a>
  </form>`
}
