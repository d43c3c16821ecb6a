/** A message of a JetStream stream, as its source reads it. */
import type { JsMsg } from '@nats-io/jetstream'

export interface JetStreamMessage {
  /**
   * What the publisher calls it: its header `Nats-Msg-Id`. Without one, the stream and the number that it has there: the same each time that it is
   * handed out, but another one if the publisher sends it twice.
   */
  readonly id: string
  readonly subject: string
  /** Names as they were sent. Of several values of one name, the first. */
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
  /** Throws when it is no JSON. The source's schema says what it is. */
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
