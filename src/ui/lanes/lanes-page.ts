/** **Lanes**: keys that are blocked or wait, the blocked ones first, and one action for all keys that one mistake has blocked. */
import type { Lane, LanePage, LaneState } from '../../deliveries/lanes.ts'
import { asked, field, oneOf } from '../asked.ts'
import { doLink } from '../doing/do-link.ts'
import { html, type Markup } from '../html.ts'
import { orWhatIsWrong } from '../layout/problem.ts'
import { link } from '../link.ts'
import { badge } from '../parts/badge.ts'
import { choiceField, textField } from '../parts/fields.ts'
import { number } from '../parts/number.ts'
import { pager } from '../parts/pager.ts'
import { table, type Cell } from '../parts/table.ts'
import { time } from '../parts/time.ts'
import { errorLine, nameOfError } from '../shown-error.ts'
import type { Page, Visit } from '../visit.ts'

const STATES = ['blocked', 'retrying', 'running', 'waiting', 'awaiting'] as const satisfies readonly LaneState[]
const ON_A_PAGE = 50

export function lanesPage(visit: Visit): Promise<Page> {
  return orWhatIsWrong({ title: 'Lanes', form: filterForm(visit) }, async () => {
    const { query } = visit
    const state = oneOf(query, 'state', STATES)
    const page = await visit.bus.lanes.list({
      ...field(query, 'handler', 'handler'),
      ...(state !== null && { state }),
      cursor: asked(query, 'cursor'),
      limit: ON_A_PAGE,
    })
    return html`${table({
      label: 'Lanes',
      columns: [
        { head: 'Handler' },
        { head: 'Key' },
        { head: 'State' },
        { head: 'Since (UTC)' },
        { head: 'Behind', isNumber: true },
        { head: 'At its head' },
        { head: 'Last error' },
      ],
      rows: page.lanes.map((lane) => rowOf(visit, lane)),
      empty: 'No key stands still or waits.',
    })}
    ${pager(visit, page.cursor)} ${actsOnBlocked(visit, page)}`
  })
}

function rowOf(visit: Visit, lane: Lane): readonly Cell[] {
  const { handler, partitionKey, state, since, behind, eventType, errors, isPaused } = lane
  return [
    handler,
    html`<a class="key" href="${link(visit, '/lanes/show', { handler, key: partitionKey })}">${partitionKey}</a>`,
    html`${badge(state)}${isPaused ? html` ${badge('paused')}` : ''}`,
    time(since),
    number(behind),
    eventType ?? '',
    errorLine(visit, errors.at(-1)),
  ]
}

/** One link for each handler and error among the listed lanes; its preview counts all lanes that match. */
function actsOnBlocked(visit: Visit, { lanes }: LanePage): Markup | '' {
  const blocked = lanes.filter(({ state }) => state === 'blocked')
  if (blocked.length === 0 || visit.viewer.level !== 'all') return ''
  const groups = Map.groupBy(blocked, ({ handler, errors }) => `${handler} ${nameOfError(errors.at(-1)) ?? ''}`)
  return html`<h2>Blocked keys together</h2>
    <p class="acts">
      ${[...groups.values()].slice(0, 12).map(([lane]) => {
        const handler = lane?.handler ?? ''
        const error = nameOfError(lane?.errors.at(-1))
        const of = error === null ? handler : `${handler} that died of ${error}`
        return doLink(visit, { name: 'retry-blocked', values: { handler, error }, text: `Retry all of ${of}` })
      })}
      ${doLink(visit, { name: 'retry-blocked', values: { all: 'yes' }, text: 'Retry all blocked keys' })}
    </p>`
}

function filterForm(visit: Visit): Markup {
  return html`<form class="filter" action="${link(visit, '/lanes')}">
    ${textField({ name: 'handler', label: 'Handler', value: asked(visit.query, 'handler') })}
    ${choiceField({
      name: 'state',
      label: 'State of the head',
      value: asked(visit.query, 'state'),
      options: [['', 'any'], ...STATES.map((state) => [state, state] as const)],
    })}
    <button class="act">Filter</button>
    <a class="button" href="${link(visit, '/lanes')}">Clear</a>
  </form>`
}
