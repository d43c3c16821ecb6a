/**
 * Middleware: code around every publish and around every attempt of a handler, written once for a whole bus.
 *
 * A bus has a list of them. The first one is the outermost: it begins before the others and ends after them. Each hook is given `next`,
 * which runs what is inside of it. What a hook ignores stays as it is: it need not pass on what `next` returns, and an error that it
 * catches without a word is still the outcome. Only what it returns or throws itself changes that.
 */
import type { Envelope, EventMetadata } from '../events/envelope.ts'
import type { PublishResult } from '../events/publish-result.ts'
import type { BatchContext } from '../handlers/batching.ts'
import type { HandlerContext } from '../handlers/handler-context.ts'
import type { ShadowEvent } from '../handlers/listens-to.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'

/**
 * Hooks around publishing and handling. At least one of the three.
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
  /** What error messages call it. Default: its place in the list. */
  readonly name?: string | undefined
  /**
   * Around each `publish`, in the publisher's process and in its async context. `publish` settles when this has, with what storing
   * the events gave: what the hook returns is ignored, what it throws rejects the publish. It has to call `next`, or throw.
   */
  readonly publish?: ((publishing: Publishing, next: NextPublish) => unknown) | undefined
  /**
   * Around each call of a handler, in a worker or wherever else handlers run. The handler's `timeoutMs` includes it.
   *
   * Returns nothing: what the handler returned or threw is the outcome. Returns anything else, such as `skip(…)`, `discard(…)` or
   * `snooze(…)`: that is the outcome, also without calling `next`. Throws: the attempt has failed.
   */
  readonly handle?: ((handling: Handling, next: NextHandle) => unknown) | undefined
  /**
   * Around each call of a batch handler, which `handle` does not surround: there are many events. What it returns or throws is what
   * becomes of the whole batch, as with `handle`; `context.outcomes.set(event, …)` says it of one event, also after `next`.
   */
  readonly handleBatch?: ((handling: BatchHandling, next: NextHandle) => unknown) | undefined
}

/** What is being published. */
export interface Publishing {
  /** The events as they will be stored: with their ids, their trace, the defaults of the bus and what outer hooks have added. */
  readonly events: readonly Envelope[]
  /** The transaction that they belong to; `undefined` for one of their own. */
  readonly tx: PublishTransaction | undefined
}

/** What a hook may change of a publish. Everything else of an event is its publisher's. */
export interface PublishChanges {
  /**
   * Put into the metadata of every event, or what a function returns for each of them. Replaces fields of the same name, also those that
   * the publisher gave: look at `publishing.events` first where that is not meant.
   */
  readonly metadata?: EventMetadata | ((event: Envelope) => EventMetadata)
  /** The open transaction to publish in, for a publish that has none. */
  readonly tx?: PublishTransaction
}

/**
 * Stores the events, after the hooks inside of this one. `interested` runs in here, and sees the changed metadata.
 *
 * @throws {PostbusError} `POSTBUS_NEXT_CALLED_AGAIN`; `POSTBUS_INVALID_EVENT` for metadata that cannot be stored;
 * `POSTBUS_INVALID_OPTIONS` for other changes; and what `publish` throws.
 */
export type NextPublish = (changes?: PublishChanges) => Promise<PublishResult>

/** A handler that is about to be called. */
export interface Handling {
  /** What the handler gets: its copy of the event, or the shadow of it. */
  readonly event: Envelope | ShadowEvent
  /** The handler's name. */
  readonly handler: string
  /** What the handler is given besides: attempt, signal, log, publish. */
  readonly context: HandlerContext
}

/** A batch handler that is about to be called. */
export interface BatchHandling {
  /** What the handler gets, in order. */
  readonly events: readonly (Envelope | ShadowEvent)[]
  /** The handler's name. */
  readonly handler: string
  /** What the handler is given besides: outcomes, deliveries, signal, log, publish. */
  readonly context: BatchContext<Envelope | ShadowEvent>
}

/**
 * Calls the handler, after the hooks inside of this one. Resolves with what it returned, and rejects with what it threw.
 *
 * @throws {PostbusError} `POSTBUS_NEXT_CALLED_AGAIN`. When the attempt is over already, the reason of `context.signal`.
 */
export type NextHandle = () => Promise<unknown>
