/** Runs an attempt and says what is to be written about it. Never rejects: a slot and a claim must not be lost to an error. */
import type { ClaimedDelivery, Settlement } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import type { Outcome } from '../handlers/outcome.ts'
import type { Emit } from '../signals.ts'
import { reasonOf } from './attempt-error.ts'
import { settlementOf } from './settlement.ts'

/** After an error of ours. */
const TROUBLE_MS = 30_000

export interface AttemptRunner {
  readonly emit: Emit
  attempt(delivery: ClaimedDelivery, abort: AbortController): Promise<Outcome>
}

export async function settleableAttempt(
  { attempt, emit }: AttemptRunner,
  delivery: ClaimedDelivery,
  abort: AbortController,
): Promise<{ readonly outcome: Outcome; readonly settlement: Settlement }> {
  try {
    const outcome = await attempt(delivery, abort)
    return { outcome, settlement: settlementOf(delivery, outcome) }
  } catch (error) {
    const reason = new PostbusError('POSTBUS_ATTEMPT_FAILED', 'The result of this attempt could not be understood.')
    const fields = { deliveryId: delivery.id, handler: delivery.handler, attempt: delivery.attempt }
    emit('error', 'worker.error', `${delivery.handler}: ${reason.message} ${reasonOf(error)}`, fields)
    const outcome: Outcome = { is: 'retry', delayMs: TROUBLE_MS, error: reason }
    return { outcome, settlement: settlementOf(delivery, outcome) }
  }
}
