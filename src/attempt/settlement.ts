/** Turns an outcome into the settlement that is stored: errors become text that can be stored. */
import type { ClaimedDelivery, Settlement } from '../deliveries/delivery.ts'
import { now } from '../clock.ts'
import type { Outcome } from '../handlers/outcome.ts'
import { attemptError, storable } from './attempt-error.ts'

const MAX_REASON = 2_000

export function settlementOf(delivery: ClaimedDelivery, outcome: Outcome): Settlement {
  switch (outcome.is) {
    case 'done':
      return { delivery, is: 'done' }
    case 'skipped':
    case 'expired':
    case 'superseded':
    case 'cancelled':
      return { delivery, is: 'passed', as: outcome.is, reason: storable(outcome.reason, MAX_REASON) }
    case 'snoozed':
    case 'put-back':
      return { delivery, is: 'later', delayMs: outcome.delayMs }
    case 'awaiting':
      return { delivery, is: 'awaiting', delayMs: outcome.timeoutMs }
    case 'retry':
      return {
        delivery,
        is: 'retry',
        delayMs: outcome.delayMs,
        error: attemptError(outcome.error, delivery.attempt, now()),
      }
    case 'dead': {
      const error = outcome.error === null ? null : attemptError(outcome.error, delivery.attempt, now())
      return { delivery, is: 'dead', reason: storable(outcome.reason, MAX_REASON), error, onDead: outcome.onDead }
    }
  }
}
