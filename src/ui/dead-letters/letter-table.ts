/** Lists dead letters one by one, so that an operator can choose some of them. */
import type { DeadLetter } from '../../deliveries/dead-letters.ts'
import { html, type Markup } from '../html.ts'
import { here, link } from '../link.ts'
import { hidden } from '../parts/fields.ts'
import { number } from '../parts/number.ts'
import { table, type Cell, type Column } from '../parts/table.ts'
import { time } from '../parts/time.ts'
import { messageFor, nameOfError } from '../shown-error.ts'
import type { Visit } from '../visit.ts'

const COLUMNS: readonly Column[] = [
  { head: 'Died (UTC)' },
  { head: 'Handler' },
  { head: 'Event' },
  { head: 'Key' },
  { head: 'Attempts', isNumber: true },
  { head: 'Reason' },
]

export function letterTable(visit: Visit, letters: readonly DeadLetter[]): Markup {
  const mayAct = visit.viewer.level === 'all'
  const list = table({
    label: 'Open dead letters',
    columns: mayAct ? [{ head: 'Choose' }, ...COLUMNS] : COLUMNS,
    rows: letters.map((letter) => [...(mayAct ? [choice(letter)] : []), ...cells(visit, letter)]),
    empty: 'No open dead letter matches.',
  })
  if (!mayAct || letters.length === 0) return list
  return html`<form action="${link(visit, '/do/retry-dead-letters')}">
    ${list} ${hidden('back', here(visit))}
    <p class="acts">
      <button>Retry chosen</button>
      <button formaction="${link(visit, '/do/dismiss-dead-letters')}">Dismiss chosen</button>
    </p>
  </form>`
}

function choice({ deliveryId, handler, partitionKey }: DeadLetter): Markup {
  return html`<input
    type="checkbox"
    name="id"
    value="${deliveryId}"
    aria-label="${`${handler} ${partitionKey ?? deliveryId}`}"
  />`
}

function cells(visit: Visit, letter: DeadLetter): readonly Cell[] {
  const { diedAt, handler, eventId, eventType, partitionKey, attempts, reason, blocksKey } = letter
  const name = nameOfError(attempts.at(-1))
  return [
    time(diedAt),
    handler,
    eventId === null
      ? (eventType ?? '')
      : html`<a href="${link(visit, `/events/${encodeURIComponent(eventId)}`)}">${eventType ?? eventId}</a>`,
    partitionKey === null ? html`<span class="none">–</span>` : html`<span class="key">${partitionKey}</span>`,
    number(attempts.length),
    html`${blocksKey ? html`<span class="badge bad">blocks its key</span> ` : ''}${name === null ? '' : html`<code>${name}</code> `}${messageFor(visit, reason)}`,
  ]
}
