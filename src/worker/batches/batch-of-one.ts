/** Which deliveries of a batch handler are a batch of their own. */
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'
import { isSuspect } from '../alone.ts'

/**
 * What may have killed its worker is. So is the last attempt that is allowed, if there were others: an event for which the whole batch
 * fails costs its neighbours attempts, but makes none of them a dead letter.
 */
export function isBatchOfOne(delivery: ClaimedDelivery, maxAttempts: number): boolean {
  return isSuspect(delivery, maxAttempts) || (delivery.attempt > 1 && delivery.attempt >= maxAttempts)
}
