/** Handlers, with their waiting deliveries and their last hour. Handlers with problems come first. */
import type { HandlerBacklog } from '../../deliveries/backlog.ts'
import type { HandlerRates, RateReport } from '../../deliveries/rates.ts'
import { html, type Markup } from '../html.ts'
import { link } from '../link.ts'
import { stepsOf } from '../overview.ts'
import { count, countLink, number } from '../parts/number.ts'
import { sparkline } from '../parts/sparkline.ts'
import { table, type Cell, type Column } from '../parts/table.ts'
import { duration } from '../parts/time.ts'
import type { Visit } from '../visit.ts'

interface Parts {
  readonly backlog: readonly HandlerBacklog[]
  readonly rates: RateReport | null
}

/** A page stays below 100 KB. */
const MOST = 40

const COLUMNS: readonly Column[] = [
  { head: 'Handler' },
  { head: 'Waiting', isNumber: true },
  { head: 'Oldest', isNumber: true },
  { head: 'Behind in the log', isNumber: true },
  { head: 'Running', isNumber: true },
  { head: 'Retrying', isNumber: true },
  { head: 'Parked', isNumber: true },
  { head: 'Blocked keys', isNumber: true },
  { head: 'Dead', isNumber: true },
  { head: 'Per second', isNumber: true },
  { head: 'Last hour' },
  { head: 'Errors', isNumber: true },
  { head: 'Errors, last hour' },
]

export function handlersPart(visit: Visit, { backlog, rates }: Parts): Markup {
  const ratesOf = new Map(rates?.handlers.map((one) => [one.handler, one]))
  const shown = backlog.toSorted((one, other) => urgency(other) - urgency(one)).slice(0, MOST)
  return html`${table({
    label: 'Handlers',
    columns: COLUMNS,
    rows: shown.map((one) => [...counts(visit, one), ...lines(rates, ratesOf.get(one.handler))]),
    empty: 'This bus has no handlers.',
  })}
  ${backlog.length > MOST ? html`<p class="hint">${MOST} of ${count(backlog.length, 'handler')}: those with the most to do.</p>` : ''}`
}

/** Handlers with dead deliveries or blocked keys come first, then those with retries, then those with waiting deliveries. */
function urgency({ dead, blockedKeys, retrying, waiting }: HandlerBacklog): number {
  return (dead + blockedKeys) * 1e12 + Math.min(retrying, 999_999) * 1e6 + Math.min(waiting, 999_999)
}

function counts(visit: Visit, one: HandlerBacklog): readonly Cell[] {
  const { handler } = one
  const events = (state: string) => link(visit, '/events', { handler, state })
  return [
    html`<a href="${link(visit, `/handlers/${encodeURIComponent(handler)}`)}">${handler}</a>`,
    countLink(one.waiting, events('unfinished'), `waiting for ${handler}`),
    duration(one.oldestWaitingMs),
    one.log === null ? '' : number(one.log.events),
    number(one.running),
    countLink(one.retrying, events('retrying'), `retrying at ${handler}`),
    number(one.parked),
    countLink(one.blockedKeys, link(visit, '/lanes', { handler, state: 'blocked' }), `blocked keys of ${handler}`),
    countLink(one.dead, link(visit, '/dead-letters', { handler }), `dead at ${handler}`),
  ]
}

function lines(report: RateReport | null, rates: HandlerRates | undefined): readonly Cell[] {
  if (report === null) return ['', '', '', '']
  const steps = stepsOf(report, rates)
  const share = `${((rates?.errorShare ?? 0) * 100).toFixed(1)}%`
  const rate = (rates?.perSecond ?? 0).toFixed(rates && rates.perSecond < 10 ? 2 : 0)
  const ended = steps.map((step) => (step === null ? 0 : step.done + step.skipped + step.expired + step.dead))
  const failed = steps.map((step) => (step === null ? 0 : failedShare(step)))
  return [
    rate,
    sparkline({ values: ended, label: `${rate} per second over the last hour` }),
    share,
    sparkline({ values: failed, top: 1, label: `${share} errors over the last hour`, tone: 'bad' }),
  ]
}

function failedShare({
  done,
  failed,
  dead,
}: {
  readonly done: number
  readonly failed: number
  readonly dead: number
}) {
  const all = done + failed + dead
  return all === 0 ? 0 : (failed + dead) / all
}
