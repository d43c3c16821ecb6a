/** Groups dead letters by handler and error: usually one mistake has caused most of them, and one action repairs them. */
import type { DeadLetter, DeadLetterPage } from '../../deliveries/dead-letters.ts'
import { doLink } from '../doing/do-link.ts'
import { html, type Markup } from '../html.ts'
import { link } from '../link.ts'
import { number } from '../parts/number.ts'
import { table, type Cell } from '../parts/table.ts'
import { nameOfError } from '../shown-error.ts'
import type { Visit } from '../visit.ts'

/** Only this many of the oldest are grouped. To count a million of them would take longer than a page may take. */
export const GROUPED = 200
const MOST_GROUPS = 12

export function letterGroups(visit: Visit, { deadLetters, cursor }: DeadLetterPage): Markup | '' {
  const groups = [...Map.groupBy(deadLetters, keyOf).values()].toSorted((one, other) => other.length - one.length)
  if (groups.length === 0) return ''
  return html`<h2>By handler and error</h2>
    ${table({
      label: 'Dead letters by handler and error',
      columns: [{ head: 'Handler' }, { head: 'Error' }, { head: 'Open', isNumber: true }, { head: 'All of these' }],
      rows: groups.slice(0, MOST_GROUPS).map((letters) => groupRow(visit, letters, cursor !== null)),
      empty: '',
    })}
    ${cursor === null ? '' : html`<p class="hint">Of the oldest ${GROUPED}: there are more. An action counts all of them first.</p>`}`
}

function keyOf(letter: DeadLetter): string {
  return `${letter.handler} ${nameOfError(letter.attempts.at(-1)) ?? ''}`
}

function groupRow(visit: Visit, letters: readonly DeadLetter[], isPart: boolean): readonly Cell[] {
  const [first] = letters
  const handler = first?.handler ?? ''
  const error = nameOfError(first?.attempts.at(-1))
  const values = { handler, error }
  const of = `${handler} ${error ?? ''}`
  return [
    html`<a href="${link(visit, '/dead-letters', { handler })}">${handler}</a>`,
    error === null
      ? html`<span class="none">without a name</span>`
      : html`<a href="${link(visit, '/dead-letters', values)}"><code>${error}</code></a>`,
    `${number(letters.length)}${isPart ? '+' : ''}`,
    error === null
      ? ''
      : html`<span class="acts"
          >${doLink(visit, { name: 'retry-dead-letters', values, text: 'Retry', of })}
          ${doLink(visit, { name: 'dismiss-dead-letters', values, text: 'Dismiss', of })}</span
        >`,
  ]
}
