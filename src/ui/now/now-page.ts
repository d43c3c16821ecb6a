/** **Now**: the state of the bus at this moment; what needs an operator comes first. */
import { html, type Markup } from '../html.ts'
import { duration } from '../parts/time.ts'
import type { Remembered } from '../remembered.ts'
import type { Page, Visit } from '../visit.ts'
import { findingsPart } from './findings-part.ts'
import { handlersPart } from './handlers-part.ts'
import { pausesPart } from './pauses-part.ts'
import { queuesPart } from './queues-part.ts'
import { schedulesPart } from './schedules-part.ts'
import { workersPart } from './workers-part.ts'

export async function nowPage(visit: Visit): Promise<Page> {
  const { bus, overview } = visit
  const [backlog, rates, findings, schedules, pauses, workers, handlers] = await Promise.all([
    overview.backlog(),
    overview.rates(),
    overview.findings(),
    overview.schedules(),
    overview.pauses(),
    overview.workers(),
    bus.handlers(),
  ])
  return {
    title: 'Now',
    isLive: true,
    body: html`<div id="now" data-live>
      ${part(pauses, ({ value }) => pausesPart(visit, value.pauses))}
      <h2>Handlers</h2>
      ${part(backlog, ({ value }) => handlersPart(visit, { backlog: value, rates: rates?.value ?? null }))}
      <div class="columns">
        <section>
          <h2>Queues</h2>
          ${part(backlog, ({ value }) => queuesPart({ backlog: value, handlers, workers: workers?.value ?? [] }))}
          <h2>Workers</h2>
          ${part(workers, ({ value }) => workersPart(value))}
          ${part(schedules, ({ value }) => schedulesPart(visit, value))}
        </section>
        <section>
          <h2>Findings</h2>
          ${part(findings, ({ value, ageMs }) => findingsPart(value, ageMs))}
        </section>
      </div>
      ${backlog === null ? '' : html`<p class="hint">Counted ${duration(Math.round(backlog.ageMs))} ago.</p>`}
    </div>`,
  }
}

function part<Value>(known: Remembered<Value> | null, show: (known: Remembered<Value>) => Markup | string) {
  return known === null
    ? html`<p class="empty">This is being looked at: load the page again in a moment.</p>`
    : show(known)
}
