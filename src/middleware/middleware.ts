/**
 * Middleware: code around every publish and around every attempt of a handler, written once for a whole bus.
 *
 * A bus has a list of middleware. The first one is the outermost: it begins before the others and ends after them. Each hook gets
 * `next`, which runs what is inside the hook. A hook need not pass on what `next` returns, and an error of `next` that it catches is
 * still the outcome. A hook changes the outcome only by what it returns or throws itself.
 */
import type { Envelope, EventMetadata } from '../events/envelope.ts'
import type { PublishResult } from '../events/publish-result.ts'
import type { BatchContext } from '../handlers/batching.ts'
import type { HandlerContext } from '../handlers/handler-context.ts'
import type { ShadowEvent } from '../handlers/listens-to.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'

/**
 * Hooks around publishing and handling. A middleware has at least one of the three.
 *
 * @example
 * const timing: Middleware = {
 *   name: 'timing',
 *   async handle({ handler }, next) {
 *     const began = performance.now()
 *     await next()
 *     histogram.record(performance.now() - began, { handler })
 *   },
 * }
 */
export interface Middleware {
  /** Its name in error messages. Default: its place in the list. */
  readonly name?: string | undefined
  /**
   * Runs around each `publish`, in the publisher's process and async context. `publish` settles when the hook has settled, with
   * the result of storing the events: the hook's return value is ignored, and an error that it throws rejects the publish. It must
   * call `next`, or throw.
   */
  readonly publish?: ((publishing: Publishing, next: NextPublish) => unknown) | undefined
  /**
   * Runs around each call of a handler, in a worker or wherever else handlers run. The handler's `timeoutMs` includes the hook.
   *
   * If it returns nothing, what the handler returned or threw is the outcome. If it returns anything else, such as `skip(…)`,
   * `discard(…)` or `snooze(…)`, that is the outcome, even if `next` was not called. If it throws, the attempt has failed.
   */
  readonly handle?: ((handling: Handling, next: NextHandle) => unknown) | undefined
  /**
   * Runs around each call of a batch handler; `handle` does not, because a batch has many events. What it returns or throws is the
   * outcome of the whole batch, as with `handle`; `context.outcomes.set(event, …)` sets the outcome of one event, also after
   * `next`.
   */
  readonly handleBatch?: ((handling: BatchHandling, next: NextHandle) => unknown) | undefined
}

/** A publish, as hooks see it. */
export interface Publishing {
  /** The events as they will be stored: with their ids, their trace, the defaults of the bus and what outer hooks have added. */
  readonly events: readonly Envelope[]
  /** The transaction that they belong to; `undefined` for a transaction of their own. */
  readonly tx: PublishTransaction | undefined
}

/** What a hook may change about a publish. All other fields of an event belong to its publisher. */
export interface PublishChanges {
  /**
   * Added to the metadata of every event; or a function that returns the metadata for each event. It replaces fields of the same name,
   * also the publisher's: look at `publishing.events` first if you want to keep those.
   */
  readonly metadata?: EventMetadata | ((event: Envelope) => EventMetadata)
  /** The open transaction to publish in, for a publish without one. */
  readonly tx?: PublishTransaction
}

/**
 * Runs the hooks inside this one, and then stores the events. `interested` runs in here, and sees the changed metadata.
 *
 * @throws {PostbusError} `POSTBUS_NEXT_CALLED_AGAIN`; `POSTBUS_INVALID_EVENT` for metadata that cannot be stored;
 * `POSTBUS_INVALID_OPTIONS` for other changes; and what `publish` throws.
 */
export type NextPublish = (changes?: PublishChanges) => Promise<PublishResult>

/** A handler that is about to be called. */
export interface Handling {
  /** What the handler gets: its copy of the event, or the event's shadow. */
  readonly event: Envelope | ShadowEvent
  /** The handler's name. */
  readonly handler: string
  /** The handler's second argument: attempt, signal, log, publish. */
  readonly context: HandlerContext
}

/** A batch handler that is about to be called. */
export interface BatchHandling {
  /** What the handler gets, in order. */
  readonly events: readonly (Envelope | ShadowEvent)[]
  /** The handler's name. */
  readonly handler: string
  /** The handler's second argument: outcomes, deliveries, signal, log, publish. */
  readonly context: BatchContext<Envelope | ShadowEvent>
}

/**
 * Runs the hooks inside this one, and then the handler. Resolves with what the handler returned, and rejects with what
 * it threw.
 *
 * @throws {PostbusError} `POSTBUS_NEXT_CALLED_AGAIN`. If the attempt is already over: the reason of `context.signal`.
 */
export type NextHandle = () => Promise<unknown>
