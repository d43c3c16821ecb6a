/** **Handlers**: what each listens to, how long it takes, and whether it is paused. */
import type { ListeningHandler } from '../../deliveries/explain.ts'
import type { HandlerRates } from '../../deliveries/rates.ts'
import { html } from '../html.ts'
import { link } from '../link.ts'
import { badge } from '../parts/badge.ts'
import { table, type Cell } from '../parts/table.ts'
import type { Page, Visit } from '../visit.ts'
import { percentiles } from './percentiles.ts'

const MOST = 120

export async function handlersPage(visit: Visit): Promise<Page> {
  const { bus, overview } = visit
  const [handlers, rates, pauses] = await Promise.all([bus.handlers(), overview.rates(), overview.pauses()])
  const ratesOf = new Map(rates?.value.handlers.map((one) => [one.handler, one]))
  const paused = new Set(pauses?.value.pauses.filter((one) => one.partitionKey === null).map((one) => one.handler))
  return {
    title: 'Handlers',
    body: html`${table({
        label: 'Handlers',
        columns: [
          { head: 'Handler' },
          { head: 'Listens to' },
          { head: 'Queue' },
          { head: 'Run, ms: p50 / p95 / p99', isNumber: true },
          { head: 'Latency, ms: p50 / p95 / p99', isNumber: true },
          { head: 'State' },
        ],
        rows: handlers
          .slice(0, MOST)
          .map((one) => rowOf(visit, one, { rates: ratesOf.get(one.handler), isPaused: paused.has(one.handler) })),
        empty: 'This bus has no handlers.',
      })}
      <p class="hint">
        Over the last hour, on all workers.${handlers.length > MOST ? ` The first ${MOST} of ${handlers.length}.` : ''}
      </p>`,
  }
}

interface Seen {
  readonly rates: HandlerRates | undefined
  readonly isPaused: boolean
}

function rowOf(visit: Visit, one: ListeningHandler, { rates, isPaused }: Seen): readonly Cell[] {
  const { handler, listensTo, queue } = one
  const shown = listensTo.slice(0, 4).join(', ')
  return [
    html`<a href="${link(visit, `/handlers/${encodeURIComponent(handler)}`)}">${handler}</a>`,
    listensTo.length > 4 ? `${shown} and ${listensTo.length - 4} more` : shown,
    queue,
    percentiles(rates?.runMs ?? null),
    percentiles(rates?.latencyMs ?? null),
    isPaused ? badge('paused') : '',
  ]
}
