/** Says how much handlers do and how long they take, from the counts that workers store for each minute. */
import { realNowMs } from '../../../clock.ts'
import { percentilesOf } from '../../../deliveries/histogram.ts'
import {
  rateQuery,
  rateSpan,
  type HandlerRates,
  type RateCounts,
  type RatePoint,
  type Rates,
  type RateSpan,
} from '../../../deliveries/rates.ts'
import { PostbusError } from '../../../errors.ts'
import { parseOptions } from '../../../parse-options.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import { operating, type OperatorParts } from './operating.ts'
import { refuseUnknownHandler } from './pauses.ts'

const COUNTS = ['done', 'skipped', 'expired', 'failed', 'dead', 'snoozed'] as const

/** What a handler did in one step. */
interface StepRow extends RateCounts {
  readonly handler: string
  /** The number of the step, from 0. */
  readonly step: number
  readonly runMs: readonly number[] | null
  readonly latencyMs: readonly number[] | null
}

export function ratesIn({ connection, tables, registry }: OperatorParts): Rates['rates'] {
  const { look } = operating(connection, tables)
  return async (given = {}) => {
    const query = parseOptions('rates()', rateQuery, given)
    const span = rateSpan(query, realNowMs())
    if (typeof span === 'string') throw new PostbusError('POSTBUS_INVALID_OPTIONS', `rates(): ${span}.`)
    const known = await registry.load()
    const { handlers } = known.names
    const rows = await look(async (pool) => {
      if (query.handler !== undefined) await refuseUnknownHandler(pool, tables, known, query.handler)
      return stepsOf(pool, tables, span, query.handler === undefined ? null : handlers.stored(query.handler))
    })
    const byHandler = Map.groupBy(rows, ({ handler }) => handlers.shown(handler))
    return {
      since: new Date(span.sinceMs),
      until: new Date(span.untilMs),
      handlers: Array.from(byHandler, ([handler, steps]) => ratesOf(handler, steps, span)).toSorted(
        (one, other) => other.perSecond - one.perSecond,
      ),
    }
  }
}

async function stepsOf(
  database: Queryable,
  { handler, handlerMinute }: Tables,
  { sinceMs, untilMs, stepMs }: RateSpan,
  of: string | null,
): Promise<readonly StepRow[]> {
  const sums = COUNTS.map((column) => `sum(counted.${column})::integer as ${column}`).join(', ')
  const ms = (value: string) => `to_timestamp(${value}::float8 / 1000)`
  const { rows } = await database.query<StepRow>(
    `with counted as (
      select one.*, floor(extract(epoch from one.minute - ${ms('$1')}) * 1000 / $3::float8)::integer as step
      from ${handlerMinute} one
      where one.minute >= ${ms('$1')} and one.minute < ${ms('$2')}
        and ($4::text is null or one.handler = (select known.number from ${handler} known where known.name = $4))
    ), buckets as (
      select handler, step, kind, array_agg(count order by place) as counts from (
        select counted.handler, counted.step, bucket.kind, bucket.place, sum(bucket.count)::integer as count
        from counted cross join lateral (
          select 'run' as kind, run.* from unnest(counted.run_ms) with ordinality as run (count, place)
          union all select 'latency', late.* from unnest(counted.latency_ms) with ordinality as late (count, place)
        ) bucket group by 1, 2, 3, 4
      ) summed group by 1, 2, 3
    )
    select known.name as handler, total.*, run.counts as "runMs", late.counts as "latencyMs"
    from (select counted.handler as number, counted.step, ${sums} from counted group by 1, 2) total
    join ${handler} known on known.number = total.number
    left join buckets run on run.handler = total.number and run.step = total.step and run.kind = 'run'
    left join buckets late on late.handler = total.number and late.step = total.step and late.kind = 'latency'
    order by total.step`,
    [sinceMs, untilMs, stepMs, of],
  )
  return rows
}

function ratesOf(handler: string, steps: readonly StepRow[], { sinceMs, untilMs, stepMs }: RateSpan): HandlerRates {
  const counts = countsOf(steps)
  const { done, skipped, expired, failed, dead } = counts
  const ran = done + skipped + failed + dead
  return {
    handler,
    ...counts,
    perSecond: (1_000 * (done + skipped + expired + dead)) / (untilMs - sinceMs),
    errorShare: ran === 0 ? 0 : (failed + dead) / ran,
    ...timesOf(steps),
    points: steps.map((step): RatePoint => ({
      at: new Date(sinceMs + step.step * stepMs),
      ...countsOf([step]),
      ...timesOf([step]),
    })),
  }
}

function countsOf(steps: readonly StepRow[]): RateCounts {
  const sum = (column: keyof RateCounts) => steps.reduce((total, step) => total + step[column], 0)
  return {
    done: sum('done'),
    skipped: sum('skipped'),
    expired: sum('expired'),
    failed: sum('failed'),
    dead: sum('dead'),
    snoozed: sum('snoozed'),
  }
}

function timesOf(steps: readonly StepRow[]) {
  const addedUp = (column: 'runMs' | 'latencyMs') => {
    const all = steps.map((step) => step[column] ?? [])
    const longest = Math.max(0, ...all.map((buckets) => buckets.length))
    return Array.from({ length: longest }, (_, place) =>
      all.reduce((total, buckets) => total + (buckets[place] ?? 0), 0),
    )
  }
  return { runMs: percentilesOf(addedUp('runMs')), latencyMs: percentilesOf(addedUp('latencyMs')) }
}
