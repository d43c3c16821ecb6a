/** The message that a relay sends for one event, and the formats that it can have. */
import type { Envelope } from '../events/envelope.ts'

/** The message for one event, in the relay's format. */
export interface RelayMessage {
  /** The event's id: the same for each attempt and each replay, so that the receiver can recognise a duplicate. */
  readonly id: string
  /** The name of the event type, for subjects, topics and routing keys. */
  readonly type: string
  /** Messages with the same key must stay in order. `null`: the order does not matter. */
  readonly partitionKey: string | null
  readonly occurredAt: Date
  /** The media type of the body. */
  readonly contentType: string
  /**
   * In binary mode, the attributes of the CloudEvent, without a prefix. A target writes them as headers of its protocol: see `headersOf`. Empty
   * when everything is in the body.
   */
  readonly attributes: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/**
 * The form in which a relay sends an event.
 *
 * - `'cloudevents'`: a CloudEvent in structured mode, one JSON object. It needs no headers from the protocol.
 * - `'cloudevents-binary'`: a CloudEvent in binary mode, the data as the body, and attributes that become headers.
 * - `'envelope'`: the event as Postbus stores it, for another application with Postbus: see `readEnvelope`.
 * - A function: makes the message itself.
 */
export type RelayFormat =
  'cloudevents' | 'cloudevents-binary' | 'envelope' | ((event: Envelope) => RelayMessage | Promise<RelayMessage>)
