/** A claim that is given back: the delivery is due again after a while, and no attempt is used up. */
import type { ClaimedDelivery, Settlement } from '../deliveries/delivery.ts'

export function later(delivery: ClaimedDelivery, delayMs: number): Settlement {
  return { delivery, is: 'later', delayMs }
}
