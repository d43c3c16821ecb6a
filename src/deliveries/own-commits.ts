/** What a worker asks about deliveries that are completed in the application's own transactions. */
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { ClaimedDelivery } from './delivery.ts'

/** The effects of a delivery are committed. */
export interface Completed {
  /** Why there were none, if its handler said so. */
  readonly skipped: string | null
}

/** One of those that are to be committed together. */
export interface Completing {
  readonly delivery: ClaimedDelivery
  readonly skipped: string | null
  /** The first of its lane, whose claim it has; left out: it has its own. */
  readonly head?: ClaimedDelivery | undefined
}

/** `lost`: another worker has the claim. `completed`: another attempt has committed its effects. */
export type NotCommitted = 'lost' | 'completed'

export interface Completions {
  /** Those of the deliveries whose effects are committed, by an attempt before or one whose answer was lost, by their ids. */
  find(deliveries: readonly ClaimedDelivery[]): Promise<ReadonlyMap<string, Completed>>
  /**
   * Says in the transaction in which the effects are that they are all of them. Returns those that must not be committed, by their ids: if
   * there are any, the transaction must be rolled back.
   */
  complete(tx: PublishTransaction, members: readonly Completing[]): Promise<ReadonlyMap<string, NotCommitted>>
}
