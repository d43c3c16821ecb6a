/** How a worker completes deliveries in the application's own transactions, and asks about such deliveries. */
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { ClaimedDelivery } from './delivery.ts'

/** The effects of a delivery are committed. */
export interface Completed {
  /** Why there were no effects, if the handler returned `skip(…)`. */
  readonly skipped: string | null
}

/** A delivery that ends in the handler's transaction, together with its effects. A batch has several, and commits them as a whole. */
export interface Completing {
  readonly delivery: ClaimedDelivery
  readonly skipped: string | null
  /** The first delivery of the batch's lane, which holds the claim for all of them. Left out: this delivery has its own claim. */
  readonly head?: ClaimedDelivery | undefined
}

/** Why a delivery must not be committed. `lost`: another worker has the claim. `completed`: another attempt has committed its effects. */
export type NotCommitted = 'lost' | 'completed'

export interface Completions {
  /**
   * Returns the deliveries whose effects an earlier attempt has committed, by their ids. The worker may not know that its
   * commit succeeded.
   */
  find(deliveries: readonly ClaimedDelivery[]): Promise<ReadonlyMap<string, Completed>>
  /**
   * Records in the handler's transaction that these deliveries are complete. Returns the ones that must not be committed, by their ids. If there
   * are any, roll the transaction back.
   */
  complete(tx: PublishTransaction, members: readonly Completing[]): Promise<ReadonlyMap<string, NotCommitted>>
}
