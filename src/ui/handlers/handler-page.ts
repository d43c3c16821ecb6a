/** One handler: its options, its last hour, and the acts on it as a whole. */
import type { ListeningHandler } from '../../deliveries/explain.ts'
import type { LogProgress } from '../../deliveries/log-cursors.ts'
import type { HandlerRates } from '../../deliveries/rates.ts'
import { doLink } from '../doing/do-link.ts'
import { html, type Markup } from '../html.ts'
import { notFound } from '../layout/problem.ts'
import { link } from '../link.ts'
import { badge } from '../parts/badge.ts'
import { facts } from '../parts/facts.ts'
import { number } from '../parts/number.ts'
import { duration } from '../parts/time.ts'
import type { Page, Visit } from '../visit.ts'
import { percentiles } from './percentiles.ts'

export async function handlerPage(visit: Visit): Promise<Page> {
  const { bus, overview } = visit
  const name = visit.parameter('name')
  const found = (await bus.handlers()).find(({ handler }) => handler === name)
  if (found === undefined) return notFound(visit, 'This bus has no handler of this name. It may be gone from the code.')

  const [rates, pauses, reading] = await Promise.all([overview.rates(), overview.pauses(), bus.log.list()])
  const log = reading.find(({ handler }) => handler === name)
  const isLog = found.options.delivery === 'log' || log !== undefined
  const isPaused = pauses?.value.pauses.some(({ handler, partitionKey }) => handler === name && partitionKey === null)
  return {
    title: name,
    body: html`${isPaused ? html`<p class="warn">${badge('paused')} Nothing of it begins.</p>` : ''} ${whatItIs(found)}
    ${ratesPart(rates?.value.handlers.find(({ handler }) => handler === name))}
    ${isLog ? logPart(visit, name, log) : ''} ${links(visit, name)} ${actsPart(visit, found)}`,
  }
}

function whatItIs({ listensTo, queue, isShadow, options }: ListeningHandler): Markup {
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== false)
  return html`${facts([
      ['Listens to', listensTo.join(', ')],
      ['Queue', queue],
      ['Data', isShadow ? 'fetched by the handler itself (shadow)' : null],
    ])}
    <h2>Options</h2>
    ${facts(given.map(([name, value]) => [name, html`<code>${inWords(value)}</code>`] as const))}`
}

function inWords(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

function ratesPart(rates: HandlerRates | undefined): Markup {
  if (rates === undefined)
    return html`<h2>The last hour</h2>
      <p class="empty">It did nothing.</p>`
  return html`<h2>The last hour</h2>
    ${facts([
      ['Done', number(rates.done)],
      ['Failed attempts', number(rates.failed)],
      ['Dead', number(rates.dead)],
      ['Skipped', number(rates.skipped)],
      ['Per second', rates.perSecond.toPrecision(3)],
      ['Errors', `${(100 * rates.errorShare).toFixed(1)}%`],
      ['Run, ms: p50 / p95 / p99', percentiles(rates.runMs)],
      ['Latency, ms: p50 / p95 / p99', percentiles(rates.latencyMs)],
    ])}`
}

function logPart(visit: Visit, handler: string, log: LogProgress | undefined): Markup {
  if (log === undefined)
    return html`<h2>In the log</h2>
      <p class="empty">No worker has begun to read for it yet.</p>`
  return html`<h2>In the log</h2>
    ${facts([
      ['Shards', `${number(log.read)} of ${number(log.shards)} are read now`],
      ['Behind', `${number(log.lag.events)} events, ${duration(log.lag.seconds * 1_000)}`],
      ['Passed everything up to', log.position],
      ['On its way', log.change],
    ])}
    <p class="acts">
      ${doLink(visit, { name: 'rewind-log', values: { handler }, text: 'Rewind' })}
      ${doLink(visit, { name: 'skip-in-log', values: { handler }, text: 'Skip ahead' })}
    </p>`
}

function links(visit: Visit, handler: string): Markup {
  return html`<p class="acts">
    <a href="${link(visit, '/events', { handler, state: 'unfinished' })}">What waits</a>
    <a href="${link(visit, '/events', { handler })}">What it received</a>
    <a href="${link(visit, '/dead-letters', { handler })}">Dead letters</a>
    <a href="${link(visit, '/lanes', { handler })}">Lanes</a>
  </p>`
}

function actsPart(visit: Visit, { handler, queue }: ListeningHandler): Markup | '' {
  if (visit.viewer.level !== 'all') return ''
  return html`<h2>Acts</h2>
    <p class="acts">
      ${doLink(visit, { name: 'pause', values: { handler }, text: 'Pause' })}
      ${doLink(visit, { name: 'resume', values: { handler }, text: 'Resume' })}
      <a class="button" href="${link(visit, '/replays', { handler })}">Replay events to it</a>
      ${doLink(visit, { name: 'pause', values: { queue }, text: `Pause queue ${queue}` })}
      ${doLink(visit, { name: 'resume', values: { queue }, text: `Resume queue ${queue}` })}
    </p>`
}
