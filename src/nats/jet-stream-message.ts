/** A message of a JetStream stream, as its source reads it. */
import type { JsMsg } from '@nats-io/jetstream'

export interface JetStreamMessage {
  /**
   * The publisher's id: its header `Nats-Msg-Id`. Without that header, the stream and the message's number in it. This id is the same each
   * time the message is handed out, but a different one if the publisher sends the message twice.
   */
  readonly id: string
  readonly subject: string
  /** Names as they were sent. If a name has several values, the first one. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly stream: string
  /** Its number in the stream. */
  readonly sequence: number
  /** When the server stored it. */
  readonly storedAt: Date
  /** How often it was handed out, this time included. */
  readonly deliveries: number
  text(): string
  /** Throws when the body is not JSON. Check the result with a schema of your own. */
  json(): unknown
}

export function jetStreamMessage(message: JsMsg): JetStreamMessage {
  const { stream, streamSequence: sequence, deliveryCount } = message.info
  const headers = headersOf(message)
  return Object.freeze({
    id: headers['Nats-Msg-Id'] ?? `${stream}:${sequence}`,
    subject: message.subject,
    headers,
    body: message.data,
    stream,
    sequence,
    storedAt: message.time,
    deliveries: deliveryCount,
    text: () => message.string(),
    json: () => message.json<unknown>(),
  })
}

function headersOf({ headers }: JsMsg): Readonly<Record<string, string>> {
  return Object.freeze(Object.fromEntries((headers?.keys() ?? []).map((name) => [name, headers?.get(name) ?? ''])))
}
