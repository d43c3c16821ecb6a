/** **Acts**: what operators did, here, on the command line and in code: who, when, why, and how much it touched. */
import { ACT_NAMES } from '../../deliveries/acts.ts'
import type { RecordedAct } from '../../deliveries/act-log.ts'
import { asked, field, oneOf, timeField } from '../asked.ts'
import { html, type Markup } from '../html.ts'
import { orWhatIsWrong } from '../layout/problem.ts'
import { link } from '../link.ts'
import { choiceField, textField } from '../parts/fields.ts'
import { number } from '../parts/number.ts'
import { oneLine } from '../parts/one-line.ts'
import { pager } from '../parts/pager.ts'
import { table, type Cell } from '../parts/table.ts'
import { time } from '../parts/time.ts'
import type { Page, Visit } from '../visit.ts'

const ON_A_PAGE = 50

export function actsPage(visit: Visit): Promise<Page> {
  return orWhatIsWrong({ title: 'Acts', form: filterForm(visit) }, async () => {
    const { query } = visit
    const act = oneOf(query, 'act', ACT_NAMES)
    const page = await visit.bus.acts.list({
      ...(act !== null && { act }),
      ...field(query, 'by', 'by'),
      ...timeField(query, 'since'),
      ...timeField(query, 'until'),
      cursor: asked(query, 'cursor'),
      limit: ON_A_PAGE,
    })
    return html`${table({
      label: 'Acts',
      columns: [
        { head: 'Began (UTC)' },
        { head: 'Act' },
        { head: 'By' },
        { head: 'Touched', isNumber: true },
        { head: 'For' },
        { head: 'Reason' },
      ],
      rows: page.acts.map(rowOf),
      empty: 'No act matches.',
    })}
    ${pager(visit, page.cursor)}`
  })
}

function rowOf({ beganAt, act, by, count, filter, reason }: RecordedAct): readonly Cell[] {
  return [
    time(beganAt),
    act,
    by ?? html`<span class="none">–</span>`,
    number(count),
    html`<code>${oneLine(filter, 200)}</code>`,
    reason ?? '',
  ]
}

function filterForm(visit: Visit): Markup {
  const text = (name: string, label: string) => textField({ name, label, value: asked(visit.query, name) })
  return html`<form class="filter" action="${link(visit, '/acts')}">
    ${choiceField({
      name: 'act',
      label: 'Act',
      value: asked(visit.query, 'act'),
      options: [['', 'any'], ...ACT_NAMES.map((name) => [name, name] as const)],
    })}
    ${text('by', 'By')} ${text('since', 'Since (UTC)')} ${text('until', 'Until (UTC)')}
    <button class="act">Filter</button>
    <a class="button" href="${link(visit, '/acts')}">Clear</a>
  </form>`
}
