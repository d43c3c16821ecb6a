/** The workers that are alive. */
import type { RunningWorker } from '../../deliveries/workers.ts'
import { html, type Markup } from '../html.ts'
import { number } from '../parts/number.ts'
import { table } from '../parts/table.ts'
import { time } from '../parts/time.ts'

/** A page stays below 100 KB. */
const MOST = 40

export function workersPart(workers: readonly RunningWorker[]): Markup {
  const shown = workers.slice(0, MOST)
  return html`${table({
    label: 'Workers',
    columns: [
      { head: 'Worker' },
      { head: 'Since (UTC)' },
      { head: 'Queues', isNumber: true },
      { head: 'Handlers', isNumber: true },
    ],
    rows: shown.map(({ host, pid, startedAt, queues, handlers }) => [
      `${host}:${pid}`,
      time(startedAt),
      number(queues.length),
      number(handlers.length),
    ]),
    empty: 'No worker is running: deliveries wait.',
  })}
  ${workers.length > MOST ? html`<p class="hint">And ${number(workers.length - MOST)} more.</p>` : ''}`
}
