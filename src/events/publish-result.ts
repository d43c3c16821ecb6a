/** The options and the result of `publish`. */
import type { PublishTransaction } from '../transactions/transaction.ts'

export interface PublishOptions {
  /**
   * The caller's open transaction, of any of the clients in {@link PublishTransaction}. The event exists if and only if that transaction
   * commits. Default: the transaction that the bus's `currentTransaction` returns, or if there is none, a transaction of its own. `'own'`:
   * a transaction of its own, even inside another one.
   */
  readonly tx?: PublishTransaction | 'own'
  /**
   * The event is stored now and delivered after this many milliseconds, by the database's clock: 0 to 365 days. If a handler gets the
   * event in the order of its partition key, the publish is refused with `POSTBUS_DELAYED_KEY`, because later events of the key would
   * overtake it. Until it is due, `bus.cancel(eventId)` takes the event back. Default: delivered at once.
   *
   * @example await bus.publish(CartAbandoned({ cartId }), { delayMs: 3_600_000 })
   */
  readonly delayMs?: number
  /**
   * The event is stored now and delivered at this time, by the database's clock: at most 365 days ahead; a time in the past means
   * at once. The rules of `delayMs` apply; give only one of the two.
   *
   * @example await bus.publish(TrialEnds({ userId }), { at: new Date('2027-01-01T09:00:00Z') })
   */
  readonly at?: Date
}

export interface PublishResult {
  /** One entry for each event, in the order of the call. */
  readonly events: readonly PublishedEvent[]
}

export interface PublishedEvent {
  readonly id: string
  /** How many handlers will receive it. Handlers that read the log are not counted: they are asked when they read it. */
  readonly deliveries: number
  /** `true`: an event with this id was already stored, so nothing was written, and no handler is called again. */
  readonly duplicate: boolean
}
