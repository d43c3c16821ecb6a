/** How much handlers do, and how long they take: `bus.rates`. Workers count by the minute, so a query only adds up their counts. */
import { z } from 'zod'
import { NAME } from '../names.ts'
import type { Percentiles } from './histogram.ts'

/** Numbers of attempts, by how they ended. */
export interface RateCounts {
  /** Handled. */
  readonly done: number
  /** Ended by `skip()`. */
  readonly skipped: number
  /** Past their ttl: the handler was not called. */
  readonly expired: number
  /** Failed, with another attempt to follow. */
  readonly failed: number
  /** Became dead letters. */
  readonly dead: number
  /** Snoozed, or put back for another deploy. */
  readonly snoozed: number
}

export interface RatePoint extends RateCounts {
  /** When the step begins. It ends `stepMs` later. */
  readonly at: Date
  readonly runMs: Percentiles | null
  readonly latencyMs: Percentiles | null
}

export interface HandlerRates extends RateCounts {
  readonly handler: string
  /** Deliveries that ended per second, on average: done, skipped, expired or dead. */
  readonly perSecond: number
  /** The share of failed and dead attempts among the attempts that called the handler, from 0 to 1. Snoozed ones do not count. */
  readonly errorShare: number
  /** How long the handler ran, including attempts that snoozed; `null` when it did not run. Correct to a tenth. */
  readonly runMs: Percentiles | null
  /**
   * The time from `occurredAt`, by the publisher's clock, to the end of the attempt that handled the event, by the worker's clock.
   * Replayed events are left out.
   */
  readonly latencyMs: Percentiles | null
  /** Oldest first. Steps in which nothing happened are left out. */
  readonly points: readonly RatePoint[]
}

export interface RateReport {
  /** The beginning of the first step; `until` is the end of the last one. */
  readonly since: Date
  readonly until: Date
  /** The busiest first. Handlers that did nothing are left out. */
  readonly handlers: readonly HandlerRates[]
}

/** The time from `since` (included) to `until` (not included). `since` is rounded down to a whole minute, `until` up. */
export interface RateQuery {
  readonly handler?: string
  /** Default: an hour ago. Counts are kept for seven days. */
  readonly since?: Date
  /** Default: now. */
  readonly until?: Date
  /**
   * The length of a point in milliseconds, a multiple of a minute. Default: one minute, or longer if there would be more than
   * 120 points.
   */
  readonly stepMs?: number
}

export interface Rates {
  /**
   * Returns what handlers did in this time, on all workers: how many attempts, how many of them failed, and how long they took. A worker
   * writes its counts every ten seconds and when it stops; a killed worker loses the counts of its last ten seconds. The numbers are for
   * people who watch, not for accounting.
   *
   * @example
   * const { handlers } = await bus.rates({ since: new Date(Date.now() - 3_600_000) })
   * for (const { handler, perSecond, errorShare, runMs } of handlers) console.log(handler, perSecond, errorShare, runMs?.p99)
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` for an unknown or undefined field, a time that ends before it begins, or more than 2,000
   * points; `POSTBUS_UNKNOWN_HANDLER`.
   */
  rates(query?: RateQuery): Promise<RateReport>
}

export const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const USUAL_POINTS = 120
const MOST_POINTS = 2_000

export const rateQuery = z.strictObject({
  handler: z.string().regex(NAME).exactOptional(),
  since: z.date().exactOptional(),
  until: z.date().exactOptional(),
  stepMs: z.int().positive().multipleOf(MINUTE_MS, 'expected whole minutes, in milliseconds').exactOptional(),
})

/** The time of a query, in whole minutes. */
export interface RateSpan {
  readonly sinceMs: number
  readonly untilMs: number
  readonly stepMs: number
}

/** Returns the span of a query, or a text that says what is wrong with the query. */
export function rateSpan({ since, until, stepMs }: z.output<typeof rateQuery>, nowMs: number): RateSpan | string {
  const end = until?.getTime() ?? nowMs
  const begin = since?.getTime() ?? end - HOUR_MS
  if (begin >= end) return `it ends before it begins: since ${iso(begin)}, until ${iso(end)}`
  const sinceMs = Math.floor(begin / MINUTE_MS) * MINUTE_MS
  const untilMs = Math.ceil(end / MINUTE_MS) * MINUTE_MS
  const minutes = (untilMs - sinceMs) / MINUTE_MS
  const step = stepMs ?? Math.ceil(minutes / USUAL_POINTS) * MINUTE_MS
  const points = Math.ceil((untilMs - sinceMs) / step)
  if (points <= MOST_POINTS) return { sinceMs, untilMs, stepMs: step }
  return `that is ${points.toLocaleString('en')} points, expected at most ${MOST_POINTS.toLocaleString('en')}: make stepMs longer, or the time shorter`
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
