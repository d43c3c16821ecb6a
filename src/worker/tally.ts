/** Counts what became of attempts. */
import type { Settlement } from '../deliveries/delivery.ts'
import type { Outcome } from '../handlers/outcome.ts'

export interface WorkerCounts {
  /** Handled, skipped, or expired. */
  readonly done: number
  /** Failed, and waiting for another attempt. */
  readonly failed: number
  /** Became dead letters. */
  readonly dead: number
  /** Snoozed, or put back for another deploy. */
  readonly snoozed: number
}

export class Tally {
  #counts = { done: 0, failed: 0, dead: 0, snoozed: 0 }

  /** An outcome, or what was written of it. */
  count({ is }: Outcome | Settlement): void {
    this.#counts[KEYS[is]] += 1
  }

  counts(): WorkerCounts {
    return { ...this.#counts }
  }
}

const KEYS = {
  done: 'done',
  skipped: 'done',
  expired: 'done',
  passed: 'done',
  retry: 'failed',
  dead: 'dead',
  snoozed: 'snoozed',
  'put-back': 'snoozed',
  later: 'snoozed',
} as const
