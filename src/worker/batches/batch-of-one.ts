/** Which deliveries of a batch handler are a batch of their own. */
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'
import { isSuspect } from '../alone.ts'

/**
 * A delivery that may have killed its worker gets its own batch. So does the last allowed attempt, if it is not the first: then an event
 * that makes its whole batch fail costs the other events attempts, but makes none of them a dead letter.
 */
export function isBatchOfOne(delivery: ClaimedDelivery, maxAttempts: number): boolean {
  return isSuspect(delivery, maxAttempts) || (delivery.attempt > 1 && delivery.attempt >= maxAttempts)
}
