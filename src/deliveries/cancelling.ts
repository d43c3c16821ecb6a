/** Taking back what was published for later: `bus.cancel`. */
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { ActOptions } from './acts.ts'

export interface CancelOptions extends ActOptions {
  /** The caller's open transaction: the event is cancelled if and only if that commits. Default: a transaction of its own. */
  readonly tx?: PublishTransaction
}

export interface CancelReport {
  /** No handler gets it any more. `false`: it was too late, the event was due. */
  readonly isCancelled: boolean
  /** How many deliveries were cancelled: 0 where that was done before, and for handlers that read the log. */
  readonly count: number
}

export interface Cancelling {
  /**
   * Takes back an event that was published with `delayMs` or `at`, before it is due. Its deliveries end as `cancelled`, with the
   * reason; the event stays in the record. The act is recorded. Cancelling twice does nothing more.
   *
   * @example
   * const { isCancelled } = await bus.cancel(reminderId, { tx, reason: 'the order was paid' })
   *
   * @throws {PostbusError} `POSTBUS_NO_SUCH_EVENT`; `POSTBUS_NOT_DELAYED` for an event that was not published for later;
   * `POSTBUS_INVALID_OPTIONS`; what `publish` throws of a transaction.
   */
  cancel(eventId: string, options?: CancelOptions): Promise<CancelReport>
}
