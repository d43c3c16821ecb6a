/** The end of an attempt: the bus reports how it went, and the worker learns what to write about it. */
import type { ClaimedDelivery, Settlement } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import type { Outcome } from '../handlers/outcome.ts'
import type { Emit } from '../signals.ts'
import { reportOutcome, reportTrouble } from './attempt-signals.ts'
import { settlementOf } from './settlement.ts'

/** The delay before the next attempt, when an attempt ended without an outcome. */
const TROUBLE_MS = 30_000

export interface ConcludedAttempt {
  readonly outcome: Outcome
  readonly settlement: Settlement
}

/** Never rejects: a slot and a claim must not be lost to an error. */
export async function concludedAttempt(
  attempt: Outcome | Promise<Outcome>,
  delivery: ClaimedDelivery,
  emit: Emit,
): Promise<ConcludedAttempt> {
  try {
    return concluded(await attempt, delivery, emit)
  } catch (error) {
    return inTrouble(error, delivery, emit)
  }
}

/** The same for an outcome that is known already. Never throws. */
export function concludedOutcome(outcome: Outcome, delivery: ClaimedDelivery, emit: Emit): ConcludedAttempt {
  try {
    return concluded(outcome, delivery, emit)
  } catch (error) {
    return inTrouble(error, delivery, emit)
  }
}

function concluded(outcome: Outcome, delivery: ClaimedDelivery, emit: Emit): ConcludedAttempt {
  reportOutcome(emit, delivery, outcome)
  return { outcome, settlement: settlementOf(delivery, outcome) }
}

function inTrouble(error: unknown, delivery: ClaimedDelivery, emit: Emit): ConcludedAttempt {
  const what = 'The result of this attempt could not be read, or a query for it failed.'
  reportTrouble(emit, delivery, what, error)
  const reason = new PostbusError('POSTBUS_ATTEMPT_FAILED', what, { cause: error })
  const outcome: Outcome = { is: 'retry', delayMs: TROUBLE_MS, error: reason }
  return { outcome, settlement: settlementOf(delivery, outcome) }
}
