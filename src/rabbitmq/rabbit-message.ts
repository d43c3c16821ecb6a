/** A message of a queue of RabbitMQ, as its source reads it. */
import type { ConsumeMessage } from 'amqplib'

export interface RabbitMessage {
  /** What the publisher calls it: its property `messageId`. Empty without one: find an id in the body then, because RabbitMQ has none. */
  readonly id: string
  readonly exchange: string
  readonly routingKey: string
  /** As they were sent: text, numbers, booleans, tables. */
  readonly headers: Readonly<Record<string, unknown>>
  readonly contentType: string | null
  readonly correlationId: string | null
  /** The publisher's name for the kind of message. */
  readonly type: string | null
  readonly body: Uint8Array
  /** RabbitMQ has handed it out before, though perhaps no one looked at it. */
  readonly isRedelivered: boolean
  text(): string
  /** Throws when it is no JSON. The source's schema says what it is. */
  json(): unknown
}

export function rabbitMessage({ content, fields, properties }: ConsumeMessage): RabbitMessage {
  const text = () => content.toString('utf8')
  return Object.freeze({
    id: textOr(properties.messageId, ''),
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    headers: Object.freeze({ ...properties.headers }),
    contentType: textOr(properties.contentType, null),
    correlationId: textOr(properties.correlationId, null),
    type: textOr(properties.type, null),
    body: content,
    isRedelivered: fields.redelivered,
    text,
    json: () => JSON.parse(text()) as unknown,
  })
}

/** Strangers' messages have what they have. */
function textOr<Other>(value: unknown, other: Other): string | Other {
  return typeof value === 'string' && value !== '' ? value : other
}
