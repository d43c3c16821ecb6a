/** The second argument of a handler: the number of the attempt, a signal for its deadline, and functions to publish and log. */
import type { Envelope } from '../events/envelope.ts'
import type { PublishOptions, PublishResult } from '../events/publish-result.ts'
import type { BusName, HandlerLog } from '../signals.ts'
import type { RegisteredTransaction } from '../transactions/register.ts'

export interface HandlerContext {
  /** The number of this attempt, counted from 1. */
  readonly attempt: number
  /** After this many attempts the delivery becomes a dead letter. */
  readonly maxAttempts: number
  /** The id of the delivery of this event to this handler. It is the same for every attempt: an idempotency key. */
  readonly deliveryId: string
  /** Whether the event is delivered again by `bus.replay`, or was published before the handler existed (the handler's `backfill`). */
  readonly isReplay: boolean
  /** The id of that replay or backfill; `null` for an event that is delivered for the first time. */
  readonly replayId: string | null
  /** Aborted when the attempt times out, its claim is lost, or the worker stops. Pass it to `fetch` and the like. */
  readonly signal: AbortSignal
  /** Like `bus.publish`. The new events carry on this event's correlation id, and have this event as their cause. */
  publish(events: Envelope | readonly Envelope[], options?: PublishOptions): Promise<PublishResult>
  /** The bus of the event. If each tenant has its own bus, `name` and `schema` say which tenant's bus it is. */
  readonly bus: BusName
  /** Writes to the bus's log, and adds the event, handler and attempt. */
  readonly log: HandlerLog
  /**
   * The publisher's transaction, if the handler runs inside `publish` (inline mode): what the handler writes in it commits
   * or rolls back with the event. `context.publish` then uses it by default. In a worker it is absent, except when a test
   * drains inside its own transaction. Handlers with `transactional: true` or `runs: 'in-transaction'` always have it.
   */
  readonly tx?: RegisteredTransaction
}
