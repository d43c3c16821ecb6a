/** What the page shows of the whole bus: remembered for a few seconds, so that ten people who watch it cost as much as one. */
import type { Bus } from '../bus.ts'
import type { HandlerRates, RateReport } from '../deliveries/rates.ts'
import { remembered } from './remembered.ts'

const MINUTE_MS = 60_000
/** A page must be there in 200 ms. */
const WAIT_MS = 120

export type Overview = ReturnType<typeof overviewOf>

export function overviewOf(bus: Bus) {
  return Object.freeze({
    backlog: remembered(async () => (await bus.backlog()).handlers, { freshMs: 3_000, waitMs: WAIT_MS }),
    workers: remembered(() => bus.workers(), { freshMs: 3_000, waitMs: WAIT_MS }),
    /** The last hour, in thirty steps. */
    rates: remembered(() => bus.rates({ stepMs: 2 * MINUTE_MS }), { freshMs: 10_000, waitMs: WAIT_MS }),
    /** Remembered for longer: the doctor opens a connection of its own, and waits for a notification. */
    findings: remembered(() => bus.doctor(), { freshMs: 30_000, waitMs: WAIT_MS }),
    schedules: remembered(() => bus.schedules.list(), { freshMs: 5_000, waitMs: WAIT_MS }),
    pauses: remembered(() => bus.pauses({ limit: 50 }), { freshMs: 3_000, waitMs: WAIT_MS }),
  })
}

/** A report leaves out steps in which nothing happened. A line needs all steps. */
export function stepsOf({ since, until }: RateReport, rates: HandlerRates | undefined) {
  const stepMs = 2 * MINUTE_MS
  const points = new Map(rates?.points.map((point) => [Math.floor((+point.at - +since) / stepMs), point]))
  const count = Math.ceil((+until - +since) / stepMs)
  return Array.from({ length: count }, (_, step) => points.get(step) ?? null)
}
