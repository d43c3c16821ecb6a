/** The batch options of a handler, and the context that it gets with the events of a batch. */
import { z } from 'zod'
import type { Envelope } from '../events/envelope.ts'
import type { PublishOptions, PublishResult } from '../events/publish-result.ts'
import type { BusName, HandlerLog } from '../signals.ts'
import type { RegisteredTransaction } from '../transactions/register.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { AwaitCompletion, Discard, Failed, Skip, Snooze } from './outcome.ts'

/** The options of batches, declared once: limits, defaults and documentation. */
export const batchOptions = z.strictObject({
  batchSize: z.int().min(1).max(1_000).default(100).describe('A batch has at most so many events.'),
  maxWaitMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(100)
    .describe('A batch that is not full begins so long after its first event has come to the worker.'),
})

/** How a handler's events are gathered. */
export type Batching = Readonly<z.output<typeof batchOptions>>

/** The fields that Postbus reads from an event of a batch. Events and their shadows have them. */
export type MemberEvent = Pick<Envelope, 'id' | 'correlationId' | 'metadata'>

/** One event of a batch, on its way to the handler. */
export interface BatchDelivery {
  /** The id of the delivery of this event to this handler. It is the same for every attempt: an idempotency key. */
  readonly deliveryId: string
  /** Which attempt this is for this event, counted from 1. The events of a batch may have different ones. */
  readonly attempt: number
  /** Whether the event is delivered again, or was published before the handler existed. */
  readonly isReplay: boolean
  /** The id of that replay or backfill; `null` for an event that is delivered for the first time. */
  readonly replayId: string | null
}

/** Outcomes of single events of a batch, if they differ from the outcome of the batch. */
export interface BatchOutcomes<Event extends MemberEvent = Envelope> {
  /**
   * Sets the outcome of one event: `failed(…)`, `discard(…)`, `skip(…)`, `snooze(…)` or `awaitCompletion(…)`. The other events get what
   * the handler returns. The last call for an event counts. When the handler throws or times out, all events have failed, also events
   * with their own outcome.
   *
   * @example if (!row.isValid) context.outcomes.set(event, discard('there is no such customer'))
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the event is not of this batch, or the value is not an outcome;
   * `POSTBUS_CLOSED` after the handler has returned.
   */
  set(event: Event, outcome: Failed | Discard | Skip | Snooze | AwaitCompletion): void
}

export interface BatchPublishOptions<Event extends MemberEvent = Envelope> extends PublishOptions {
  /**
   * The event of this batch that causes the new events: its id becomes their causation id, and its correlation id is carried on.
   * Without it, the new events have no cause and begin their own chains, even when the batch has only one event.
   */
  readonly causedBy?: Event
}

/** The second argument of a batch handler, after its events. */
export interface BatchContext<Event extends MemberEvent = Envelope> {
  /** After this many attempts a delivery becomes a dead letter. */
  readonly maxAttempts: number
  /** Aborted when the batch times out, all of its claims are lost, or the worker stops. Pass it to `fetch` and the like. */
  readonly signal: AbortSignal
  readonly outcomes: BatchOutcomes<Event>
  /**
   * Returns the delivery of one event: its idempotency key, and the number of the attempt.
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the event is not of this batch.
   */
  deliveryOf(event: Event): BatchDelivery
  /** Like `bus.publish`; `causedBy` says which event of the batch is the cause. */
  publish(events: Envelope | readonly Envelope[], options?: BatchPublishOptions<Event>): Promise<PublishResult>
  /** The bus of the events. With several tenants, its `name` and `schema` say which tenant's bus it is. */
  readonly bus: BusName
  /** Writes to the bus's log, and adds the handler and the size of the batch. */
  readonly log: HandlerLog
  /** As in the context of other handlers: set only if the handler runs inside `publish`, or a test drains inside its own transaction. */
  readonly tx?: PublishTransaction
}

/** The context of a batch handler with `transactional: true`: it always has `tx`. */
export interface TransactionalBatchContext<Event extends MemberEvent = Envelope> extends Omit<
  BatchContext<Event>,
  'tx'
> {
  /** The transaction in which the whole batch runs, of the application's own client. */
  readonly tx: RegisteredTransaction
}

/** The context that a definition leads to: only the literal `true` promises a transaction. */
export type BatchContextFor<Transactional extends boolean, Event extends MemberEvent> = [Transactional] extends [true]
  ? TransactionalBatchContext<Event>
  : BatchContext<Event>
