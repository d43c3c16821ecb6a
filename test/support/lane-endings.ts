/** How an attempt in a world of lanes can end, and the settlement that its worker then sends. */
import type { ClaimedDelivery, Settlement } from '../../src/deliveries/delivery.ts'

/** The outcome that a worker wants to settle for an attempt. */
export type Ending = 'done' | 'retry' | 'retry in an hour' | 'later' | 'continue' | 'block'

export function settlementOf(delivery: ClaimedDelivery, ending: Ending): Settlement {
  const error = { attempt: 1, at: '', code: null, message: 'failed', stack: null }
  if (ending === 'done') return { delivery, is: 'done' }
  if (ending === 'later') return { delivery, is: 'later', delayMs: 0 }
  if (ending === 'retry') return { delivery, is: 'retry', delayMs: 0, error }
  if (ending === 'retry in an hour') return { delivery, is: 'retry', delayMs: 3_600_000, error }
  return { delivery, is: 'dead', reason: 'failed', error, onDead: ending }
}
