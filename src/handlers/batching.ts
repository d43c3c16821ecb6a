/** What a batch handler says about its batches, and what it is given beside the events of one. */
import { z } from 'zod'
import type { Envelope } from '../events/envelope.ts'
import type { PublishOptions, PublishResult } from '../events/publish-result.ts'
import type { BusName, HandlerLog } from '../signals.ts'
import type { RegisteredTransaction } from '../transactions/register.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'
import type { AwaitCompletion, Discard, Failed, Skip, Snooze } from './outcome.ts'

/** Numbers of batches, declared once: limits, defaults and documentation. */
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

/** What is asked of a member of a batch: its event has that, and its shadow too. */
export type MemberEvent = Pick<Envelope, 'id' | 'correlationId' | 'metadata'>

/** One event of a batch, on its way to the handler. */
export interface BatchDelivery {
  /** Names this event on its way to this handler, and stays the same for every attempt: an idempotency key. */
  readonly deliveryId: string
  /** Which attempt this is for this event, counted from 1. The events of a batch may have different ones. */
  readonly attempt: number
  /** Whether the event comes again, or was published before the handler existed. */
  readonly isReplay: boolean
  /** Which replay or backfill that is; `null` for an event that comes for the first time. */
  readonly replayId: string | null
}

/** What became of single events of a batch, where that is not what became of the batch. */
export interface BatchOutcomes<Event extends MemberEvent = Envelope> {
  /**
   * Says what became of one event: `failed(…)`, `discard(…)`, `skip(…)` or `snooze(…)`. The others get what the handler returns. What is
   * said last counts. When the handler throws, or runs out of time, all events have failed, also those with an outcome of their own.
   *
   * @example if (!row.isValid) context.outcomes.set(event, discard('there is no such customer'))
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the event is not of this batch, or the outcome is none; `POSTBUS_CLOSED` after
   * the handler has returned.
   */
  set(event: Event, outcome: Failed | Discard | Skip | Snooze | AwaitCompletion): void
}

export interface BatchPublishOptions<Event extends MemberEvent = Envelope> extends PublishOptions {
  /**
   * The event of this batch that causes what is published: its id becomes the causation id, and its correlation id is carried on. Left
   * out, the new events have no cause and begin a chain of their own, also when the batch has only one event.
   */
  readonly causedBy?: Event
}

/** What a batch handler is given beside its events. */
export interface BatchContext<Event extends MemberEvent = Envelope> {
  /** After this many attempts a delivery becomes a dead letter. */
  readonly maxAttempts: number
  /** Aborted when the batch times out, all of its claims are lost, or the worker stops. Pass it to `fetch` and the like. */
  readonly signal: AbortSignal
  readonly outcomes: BatchOutcomes<Event>
  /**
   * The delivery of one event: its idempotency key, and which attempt it is.
   *
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS` when the event is not of this batch.
   */
  deliveryOf(event: Event): BatchDelivery
  /** Like `bus.publish`; `causedBy` says which event of the batch is the cause. */
  publish(events: Envelope | readonly Envelope[], options?: BatchPublishOptions<Event>): Promise<PublishResult>
  /** The bus that the events are of: its `name` and `schema` say of which tenant, where there are several. */
  readonly bus: BusName
  /** Writes to the bus's log, with the handler and the size of the batch beside it. */
  readonly log: HandlerLog
  /** As in the context of other handlers: only where a handler runs inside `publish`, or a test drains inside its own transaction. */
  readonly tx?: PublishTransaction
}

/** What a batch handler with `transactional: true` is given: `tx` is there. */
export interface TransactionalBatchContext<Event extends MemberEvent = Envelope> extends Omit<
  BatchContext<Event>,
  'tx'
> {
  /** The transaction that the whole batch is in, of the application's own client. */
  readonly tx: RegisteredTransaction
}

/** The context by what the definition says: only the literal `true` promises a transaction. */
export type BatchContextFor<Transactional extends boolean, Event extends MemberEvent> = [Transactional] extends [true]
  ? TransactionalBatchContext<Event>
  : BatchContext<Event>
