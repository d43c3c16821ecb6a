/**
 * Where a relay passes events: the interface that every target has, ours and yours. It is small on purpose: one function that sends.
 *
 * A target opens its connection at the first `send` and keeps it. `bus.close()` calls `close`; a later `send` opens it again.
 */
import type { Envelope } from '../events/envelope.ts'
import type { HandlerContext } from '../handlers/handler-context.ts'
import type { Discard, Failed, Skip, Snooze } from '../handlers/outcome.ts'
import type { RelayFormat, RelayMessage } from './message.ts'

/** What a target is given besides the message. */
export interface RelayContext extends Pick<
  HandlerContext,
  'attempt' | 'maxAttempts' | 'deliveryId' | 'isReplay' | 'replayId' | 'signal' | 'log'
> {
  /** The name of the relay. */
  readonly relay: string
  /** The event itself, for what depends on it: an address, a topic. */
  readonly event: Envelope
}

/** What a target may return besides nothing, which is done: the answers of handlers. */
export type RelayAnswer = Skip | Failed | Discard | Snooze

export interface RelayTarget {
  /** For errors and logs: `nats jetstream`, `webhook`. */
  readonly name: string
  /** What it is sent where the relay has no `format`. Default: `'cloudevents'`. */
  readonly format?: RelayFormat | undefined
  /**
   * Sends a message. Resolves when the other side has taken it for good, not before: what is done is never sent again. What it throws is
   * a failed attempt. It must heed `context.signal`, and may be called for many messages at once; messages of one partition key come
   * one after the other.
   */
  send(message: RelayMessage, context: RelayContext): Promise<RelayAnswer | void>
  /** Lets go of its connection: called by `bus.close()`, when no worker runs any more. Safe to repeat; a later `send` connects again. */
  close?(): Promise<void>
}
