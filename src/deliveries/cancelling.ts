/** Taking back an event that was published for a later time: `bus.cancel`. */
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { ActOptions } from './acts.ts'

export interface CancelOptions extends ActOptions {
  /** The caller's open transaction: the event is cancelled if and only if it commits. Default: a transaction of its own. */
  readonly tx?: PublishTransaction
}

export interface CancelReport {
  /** `true`: no handler will get the event. `false`: it was too late, the event was already due. */
  readonly isCancelled: boolean
  /** How many deliveries were cancelled. 0 when the event was cancelled before. Handlers that read the log have no deliveries to count. */
  readonly count: number
}

export interface Cancelling {
  /**
   * Takes back an event that was published with `delayMs` or `at`, if it is not due yet. Its deliveries end as `cancelled`, with
   * the reason; the event stays in the record. The act is recorded. A second call changes nothing.
   *
   * @example
   * const { isCancelled } = await bus.cancel(reminderId, { tx, reason: 'the order was paid' })
   *
   * @throws {PostbusError} `POSTBUS_NO_SUCH_EVENT`; `POSTBUS_NOT_DELAYED` for an event that was not published for later;
   * `POSTBUS_INVALID_OPTIONS`; what `publish` throws about a transaction.
   */
  cancel(eventId: string, options?: CancelOptions): Promise<CancelReport>
}
