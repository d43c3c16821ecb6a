/** What `publish` takes and returns. How an event is stored is the backend's business. */
import type { PublishTransaction } from '../transactions/transaction.ts'

export interface PublishOptions {
  /**
   * The caller's open transaction, of any of the clients in {@link PublishTransaction}. The event exists if and only if that
   * transaction commits. Left out, publish belongs to the transaction that the bus's `currentTransaction` finds around the caller, and else
   * is a transaction of its own. `'own'`: a transaction of its own, also inside another one.
   */
  readonly tx?: PublishTransaction | 'own'
}

export interface PublishResult {
  /** One entry per event, in the order of the call. */
  readonly events: readonly PublishedEvent[]
}

export interface PublishedEvent {
  readonly id: string
  /** How many handlers are going to receive it, beside those that read the log: they are asked when they read it. */
  readonly deliveries: number
  /** The id was stored before: nothing was written, and no handler is called again. */
  readonly duplicate: boolean
}
