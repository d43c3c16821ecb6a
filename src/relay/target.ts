/**
 * The interface of every target, ours and yours: the place where a relay sends events. It is small on purpose: one function that sends.
 *
 * A target opens its connection at the first `send` and keeps it. `bus.close()` calls `close`; a later `send` opens it again.
 */
import type { Envelope } from '../events/envelope.ts'
import type { HandlerContext } from '../handlers/handler-context.ts'
import type { Discard, Failed, Skip, Snooze } from '../handlers/outcome.ts'
import type { RelayFormat, RelayMessage } from './message.ts'

/** The second argument of `send`. */
export interface RelayContext extends Pick<
  HandlerContext,
  'attempt' | 'maxAttempts' | 'deliveryId' | 'isReplay' | 'replayId' | 'signal' | 'log'
> {
  /** The name of the relay. */
  readonly relay: string
  /** The event itself, for example to choose an address or a topic by it. */
  readonly event: Envelope
}

/** What a target may return: the same outcomes as a handler. If it returns nothing, the message is done. */
export type RelayAnswer = Skip | Failed | Discard | Snooze

export interface RelayTarget {
  /** For errors and logs: `nats jetstream`, `webhook`. */
  readonly name: string
  /** The format of its messages when the relay has no `format`. Default: `'cloudevents'`. */
  readonly format?: RelayFormat | undefined
  /**
   * Sends a message. It must not resolve before the other side has accepted the message for good: a message that is done is never sent again.
   * An error that it throws is a failed attempt. It must obey `context.signal`. It may be called for many messages at once; messages of one
   * partition key come one after the other.
   */
  send(message: RelayMessage, context: RelayContext): Promise<RelayAnswer | void>
  /** Closes its connection. Called by `bus.close()`, when no worker runs any more. Safe to repeat; a later `send` connects again. */
  close?(): Promise<void>
}
