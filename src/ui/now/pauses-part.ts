/** What is paused: it comes first, because it usually explains why something does not go on. */
import type { Pause } from '../../deliveries/pauses.ts'
import { html, type Markup } from '../html.ts'
import { time } from '../parts/time.ts'
import type { Visit } from '../visit.ts'

export function pausesPart(_visit: Visit, pauses: readonly Pause[]): Markup | string {
  if (pauses.length === 0) return ''
  return html`<section class="warn" aria-label="Paused">${pauses.map((pause) => html`<p>${line(pause)}</p>`)}</section>`
}

function line({ handler, queue, partitionKey, by, reason, pausedAt }: Pause): Markup {
  const what = partitionKey === null ? (handler ?? `queue ${queue}`) : `key ${partitionKey} of ${handler}`
  return html`<strong>${what}</strong> is paused since
    ${time(pausedAt)}${by === null ? '' : ` by ${by}`}${reason === null ? '' : `: ${reason}`}`
}
