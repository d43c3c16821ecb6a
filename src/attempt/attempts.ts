/** The attempts of one worker or drain: at single deliveries, and at batches. They share one list of deadlines. */
import { batchAttemptsWith, type BatchAttempts } from './batch-attempt.ts'
import { Deadlines } from './deadlines.ts'
import { runAttempt, type Attempt, type AttemptParts } from './run-attempt.ts'

export interface Attempts {
  readonly attempt: Attempt
  readonly batchAttempts: BatchAttempts
}

/** Makes the functions that run attempts with these parts. */
export function attemptsWith(given: Omit<AttemptParts, 'deadlines'>): Attempts {
  const parts = { ...given, deadlines: new Deadlines() }
  return {
    attempt: (delivery, abort) => runAttempt(delivery, abort, parts),
    batchAttempts: batchAttemptsWith(parts),
  }
}
