/** **Replays**: the list of replays, with a form to begin one. A replay gives stored events to one handler again. */
import type { ReplayProgress } from '../../deliveries/replays.ts'
import { asked } from '../asked.ts'
import { doLink } from '../doing/do-link.ts'
import { html, type Markup } from '../html.ts'
import { here, link } from '../link.ts'
import { badge } from '../parts/badge.ts'
import { hidden, textField } from '../parts/fields.ts'
import { number } from '../parts/number.ts'
import { table, type Cell } from '../parts/table.ts'
import { duration, time } from '../parts/time.ts'
import type { Page, Visit } from '../visit.ts'

const MOST = 60

export async function replaysPage(visit: Visit): Promise<Page> {
  const replays = await visit.bus.replays.list()
  return {
    title: 'Replays',
    isLive: true,
    body: html`<div id="replays" data-live>
        ${table({
          label: 'Replays',
          columns: [
            { head: 'Began (UTC)' },
            { head: 'Handler' },
            { head: 'State' },
            { head: 'Looked at', isNumber: true },
            { head: 'Given', isNumber: true },
            { head: 'Passed over', isNumber: true },
            { head: 'Waiting', isNumber: true },
            { head: 'Left', isNumber: true },
            { head: 'By' },
            { head: 'Acts' },
          ],
          rows: replays.slice(0, MOST).map((replay) => rowOf(visit, replay)),
          empty: 'No replay was begun so far.',
        })}
      </div>
      ${beginForm(visit)}`,
  }
}

function rowOf(visit: Visit, replay: ReplayProgress): readonly Cell[] {
  const { handler, state, examined, matching, count, skipped, waiting, remainingMs, by, beganAt } = replay
  return [
    time(beganAt),
    handler,
    badge(state),
    `${number(examined)} of ${number(matching)}`,
    number(count),
    number(skipped),
    number(waiting),
    duration(state === 'running' ? remainingMs : null),
    by ?? '',
    acts(visit, replay),
  ]
}

function acts(visit: Visit, { id, state }: ReplayProgress): Markup | '' {
  if (state !== 'running' && state !== 'paused') return ''
  const values = { id }
  return html`<span class="acts"
    >${state === 'running' ? doLink(visit, { name: 'pause-replay', values, text: 'Pause', of: id }) : ''}
    ${doLink(visit, { name: 'resume-replay', values, text: 'Resume', of: id })}
    ${doLink(visit, { name: 'cancel-replay', values, text: 'Cancel', of: id })}</span
  >`
}

function beginForm(visit: Visit): Markup | '' {
  if (visit.viewer.level !== 'all') return ''
  const text = (name: string, label: string, placeholder = '') =>
    textField({ name, label, placeholder, value: asked(visit.query, name), isRequired: name === 'handler' })
  return html`<h2>Begin a replay</h2>
    <form class="filter" action="${link(visit, '/do/begin-replay')}">
      ${text('handler', 'Handler', 'search.index')} ${text('type', 'Types, with commas', 'orders.*')}
      ${text('since', 'Since (UTC)')} ${text('until', 'Until (UTC)')} ${text('key', 'Partition keys')}
      ${text('rate', 'At most so many a second')} ${hidden('back', here(visit))}
      <button class="act">Preview</button>
    </form>
    <p class="hint">The preview says how many events the handler would get. Nothing is done before you confirm it.</p>`
}
