/** A message of a queue of RabbitMQ, as its source reads it. */
import type { ConsumeMessage } from 'amqplib'

export interface RabbitMessage {
  /** The publisher's id: its property `messageId`. Empty without it: then find an id in the body, because RabbitMQ itself has none. */
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
  /** Whether RabbitMQ has handed it out before; perhaps no consumer looked at it then. */
  readonly isRedelivered: boolean
  text(): string
  /** Throws when the body is not JSON. Check the result with a schema of your own. */
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

/** Messages of other programs may have properties of any type, or none. */
function textOr<Other>(value: unknown, other: Other): string | Other {
  return typeof value === 'string' && value !== '' ? value : other
}
