/** Counts what became of attempts. */
import type { ClaimedDelivery, Settlement } from '../deliveries/delivery.ts'
import type { Outcome } from '../handlers/outcome.ts'
import { MinuteCounts } from './minute-counts.ts'

export interface WorkerCounts {
  /** Handled, skipped, expired, cancelled, superseded, or waiting to be told how they ended. */
  readonly done: number
  /** Failed, and waiting for another attempt. */
  readonly failed: number
  /** Became dead letters. */
  readonly dead: number
  /** Snoozed, or put back for another deploy. */
  readonly snoozed: number
}

export const NO_COUNTS: WorkerCounts = Object.freeze({ done: 0, failed: 0, dead: 0, snoozed: 0 })

export function addCounts(one: WorkerCounts, other: WorkerCounts): WorkerCounts {
  return {
    done: one.done + other.done,
    failed: one.failed + other.failed,
    dead: one.dead + other.dead,
    snoozed: one.snoozed + other.snoozed,
  }
}

export class Tally {
  /** The same by handler, for people who watch. */
  readonly minute = new MinuteCounts()
  #counts = { ...NO_COUNTS }

  /** Counts an outcome, or the settlement that was stored of it. `tookMs`: how long the attempt took; `null` when that is no longer known. */
  count(of: Outcome | Settlement, delivery: ClaimedDelivery | null = null, tookMs: number | null = null): void {
    this.#counts[KEYS[of.is]] += 1
    if (delivery) this.minute.count(delivery, of, tookMs)
  }

  counts(): WorkerCounts {
    return { ...this.#counts }
  }
}

const KEYS = {
  done: 'done',
  skipped: 'done',
  expired: 'done',
  superseded: 'done',
  cancelled: 'done',
  awaiting: 'done',
  passed: 'done',
  retry: 'failed',
  dead: 'dead',
  snoozed: 'snoozed',
  'put-back': 'snoozed',
  later: 'snoozed',
} as const
