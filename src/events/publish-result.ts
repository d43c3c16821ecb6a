/** What `publish` takes and returns. How an event is stored is the backend's business. */
import type { PublishTransaction } from '../transactions/transaction.ts'

export interface PublishOptions {
  /**
   * The caller's open transaction, of any of the clients in {@link PublishTransaction}. The event exists if and only if that
   * transaction commits. Left out, publish belongs to the transaction that the bus's `currentTransaction` finds around the caller, and else
   * is a transaction of its own. `'own'`: a transaction of its own, also inside another one.
   */
  readonly tx?: PublishTransaction | 'own'
  /**
   * Stored now, delivered after so many milliseconds, by the database's clock: 0 to 365 days. Events with a partition key are refused
   * with `POSTBUS_DELAYED_KEY`, because what happens meanwhile would overtake them. `bus.cancel(eventId)` takes it back until then.
   * Default: delivered at once.
   *
   * @example await bus.publish(CartAbandoned({ cartId }), { delayMs: 3_600_000 })
   */
  readonly delayMs?: number
  /**
   * Stored now, delivered at this time, by the database's clock: at most 365 days ahead; a time that is over means at once. As for
   * `delayMs`, which it excludes.
   *
   * @example await bus.publish(TrialEnds({ userId }), { at: new Date('2027-01-01T09:00:00Z') })
   */
  readonly at?: Date
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
