/** What a worker asks about deliveries that are completed in the application's own transactions. */
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { ClaimedDelivery } from './delivery.ts'

/** The effects of a delivery are committed. */
export interface Completed {
  /** Why there were none, if its handler said so. */
  readonly skipped: string | null
}

/** `ours`: it may be committed. `lost`: another worker has the claim. `completed`: another attempt has committed its effects. */
export type Completing = 'ours' | 'lost' | 'completed'

export interface Completions {
  /** Whether the effects of a delivery are committed, by an attempt before or one whose answer was lost. */
  find(delivery: ClaimedDelivery): Promise<Completed | null>
  /** Says in the transaction in which the effects are that they are all of them. It must be rolled back unless this returns `ours`. */
  complete(tx: PublishTransaction, delivery: ClaimedDelivery, skipped: string | null): Promise<Completing>
}
