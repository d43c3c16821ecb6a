/** What is sent of one event, and in which form. */
import type { Envelope } from '../events/envelope.ts'

/** What is sent of one event, in the relay's format. */
export interface RelayMessage {
  /** The event's id: the same for each attempt and each replay, so that the other side can tell what it has. */
  readonly id: string
  /** The name of the event type, for subjects, topics and routing keys. */
  readonly type: string
  /** What is to be kept in order. `null`: no order needed. */
  readonly partitionKey: string | null
  readonly occurredAt: Date
  /** The media type of the body. */
  readonly contentType: string
  /**
   * What stands beside the body in binary mode: the attributes of CloudEvents, without a prefix. A target writes them as headers, as its
   * protocol has it: see `headersOf`. Empty where everything is in the body.
   */
  readonly attributes: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/**
 * What a relay makes of an event before it is sent.
 *
 * - `'cloudevents'`: a CloudEvent in structured mode, one JSON object. It needs nothing of the protocol.
 * - `'cloudevents-binary'`: a CloudEvent in binary mode, the data as the body, and attributes that become headers.
 * - `'envelope'`: the event as Postbus stores it, for another application with Postbus: see `readEnvelope`.
 * - A function: what you make of the event.
 */
export type RelayFormat =
  'cloudevents' | 'cloudevents-binary' | 'envelope' | ((event: Envelope) => RelayMessage | Promise<RelayMessage>)
