/** `postbus rates`: what handlers do, how much of it fails, and how long it takes. */
import type { Percentiles } from '../deliveries/histogram.ts'
import type { HandlerRates } from '../deliveries/rates.ts'
import {
  BUS_OPTIONS,
  DESCRIBE_BUS,
  DESCRIBE_JSON,
  JSON_OPTION,
  text,
  type Command,
  type Invocation,
} from './command.ts'
import { busFor } from './load-config.ts'
import { printJson, printTable, say } from './output.ts'
import { timeOf } from './times.ts'

const HEADS = [
  'HANDLER',
  'DONE',
  'PER SECOND',
  'SKIPPED',
  'FAILED',
  'DEAD',
  'ERRORS',
  'RUN p50/p95/p99',
  'LATENCY p50/p95/p99',
]

export const rates: Command = {
  summary: 'Show what handlers do, how much of it fails, and how long it takes.',
  examples: [
    ['postbus rates', 'the last hour, the busiest handler first'],
    ['postbus rates --handler stock.reserve --since 2026-03-01T12:00:00Z --json', 'with a point for each minute'],
  ],
  options: {
    ...BUS_OPTIONS,
    ...JSON_OPTION,
    handler: { type: 'string' },
    since: { type: 'string' },
    until: { type: 'string' },
  },
  describe: {
    ...DESCRIBE_BUS,
    json: DESCRIBE_JSON,
    handler: 'Only this handler.',
    since: 'From this minute on, such as 2026-03-01T12:00:00Z. Default: an hour ago. Counts are kept for seven days.',
    until: 'Up to this minute. Default: now.',
  },

  async run(invocation) {
    const { options, terminal } = invocation
    const bus = await busFor(invocation)
    try {
      const { handlers, since, until } = await bus.rates(queryOf(invocation))
      if (options['json']) printJson(terminal, handlers)
      else {
        if (handlers.length > 0) printTable(terminal.out, HEADS, handlers.map(rowOf))
        const what = handlers.length > 0 ? 'What workers counted' : 'Workers counted nothing'
        say(terminal, `${what} from ${since.toISOString()} to ${until.toISOString()}. Times are in milliseconds.`)
      }
      return 0
    } finally {
      await bus.close()
    }
  },
}

function queryOf(invocation: Invocation) {
  const handler = text(invocation, 'handler')
  const since = timeOf(invocation, 'since')
  const until = timeOf(invocation, 'until')
  return { ...(handler !== undefined && { handler }), ...(since && { since }), ...(until && { until }) }
}

function rowOf(one: HandlerRates): readonly string[] {
  return [
    one.handler,
    one.done.toLocaleString('en'),
    one.perSecond.toPrecision(3),
    one.skipped.toLocaleString('en'),
    one.failed.toLocaleString('en'),
    one.dead.toLocaleString('en'),
    `${(100 * one.errorShare).toFixed(1)}%`,
    timesOf(one.runMs),
    timesOf(one.latencyMs),
  ]
}

function timesOf(times: Percentiles | null): string {
  return times === null ? '' : `${times.p50}/${times.p95}/${times.p99}`
}
