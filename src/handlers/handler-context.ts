/** What a handler is given besides the event: which attempt this is, a deadline to watch, and how to publish and log. */
import type { Envelope } from '../events/envelope.ts'
import type { PublishOptions, PublishResult } from '../events/publish-result.ts'
import type { BusName, HandlerLog } from '../signals.ts'
import type { RegisteredTransaction } from '../transactions/register.ts'

export interface HandlerContext {
  /** Which attempt this is, counted from 1. */
  readonly attempt: number
  /** After this many attempts the delivery becomes a dead letter. */
  readonly maxAttempts: number
  /** Names this event on its way to this handler, and stays the same for every attempt: an idempotency key. */
  readonly deliveryId: string
  /** Whether the event comes again, or from before the handler was there: by `bus.replay`, or by the handler's `backfill`. */
  readonly isReplay: boolean
  /** Which replay or backfill that is; `null` for an event that comes for the first time. */
  readonly replayId: string | null
  /** Aborted when the attempt times out, its claim is lost, or the worker stops. Pass it to `fetch` and the like. */
  readonly signal: AbortSignal
  /** Like `bus.publish`, and the new events carry on this event's correlation id, with this event as their cause. */
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
  /** The bus that the event is of: for an application whose tenants have each their own, its `name` and `schema` say whose it is. */
  readonly bus: BusName
  /** Writes to the bus's log, with the event, handler and attempt beside it. */
  readonly log: HandlerLog
  /**
   * The publisher's transaction, when the handler runs inside `publish` (inline mode), so that what it writes commits or
   * rolls back with the event; `publish` then uses it unless told otherwise. Absent in a worker, except where a test drains
   * inside its own transaction. It is there for handlers with `transactional: true` or `runs: 'in-transaction'`.
   */
  readonly tx?: RegisteredTransaction
}
