/** Reads a CloudEvent 1.0 from a broker's message, in structured or binary mode, so that an application can make its own event from it. */
import { z } from 'zod'
import { PostbusError } from '../errors.ts'
import type { EventOptions } from '../events/envelope.ts'

/** The fields that messages of all brokers have. */
export interface CloudEventMessage {
  readonly headers: Readonly<Record<string, unknown>>
  /** Set if the protocol has its own field for the content type. Otherwise the content type is a header. */
  readonly contentType?: string | null
  text(): string
}

export interface CloudEvent {
  readonly id: string
  readonly source: string
  readonly type: string
  /** The other attributes, including extensions, as text. */
  readonly attributes: Readonly<Record<string, string>>
  /** Parsed JSON, text if the content is not JSON, or a `Buffer` for `data_base64`. Check it with a schema of your own. */
  readonly data: unknown
  /** Options for the event that you make from it: when it happened, its correlation id, and the CloudEvent's id as its cause. */
  readonly options: Pick<EventOptions, 'occurredAt' | 'correlationId' | 'causationId'>
}

const STRUCTURED = /^application\/cloudevents\+json\b/i
const PREFIX = /^(?:ce[-_]|cloudevents[:_])/i
const JSON_TYPE = /^(?:application|text)\/(?:[\w.+-]+\+)?json\b/i

const attributes = z.looseObject({
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().min(1),
})

/**
 * Reads a CloudEvent, from the body alone or from headers and body.
 *
 * @example
 * const orders = defineSource('orders', {
 *   id: (message: JetStreamMessage) => readCloudEvent(message).id,
 *   event: (message) => {
 *     const { type, data, options } = readCloudEvent(message)
 *     return type === 'orders.order-created' ? OrderHeard(Order.parse(data), options) : null
 *   },
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_EVENT` when the message is not a CloudEvent.
 */
export function readCloudEvent(message: CloudEventMessage): CloudEvent {
  const contentType = contentTypeOf(message)
  const found = STRUCTURED.test(contentType) ? fromBody(message) : fromHeaders(message, contentType)
  const { data, ...given } = found
  const read = attributes.safeParse(given)
  if (!read.success) throw notOne(z.prettifyError(read.error))
  const { specversion: _, id, source, type, ...others } = read.data
  const rest = Object.fromEntries(Object.entries(others).map(([name, value]) => [name, String(value)]))
  return Object.freeze({ id, source, type, attributes: Object.freeze(rest), data, options: optionsOf(id, rest) })
}

function contentTypeOf({ headers, contentType }: CloudEventMessage): string {
  if (contentType) return contentType
  const [, value] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type') ?? []
  return typeof value === 'string' ? value : ''
}

function fromBody(message: CloudEventMessage): Record<string, unknown> {
  const body = parse(message.text())
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw notOne('its body is no JSON object.')
  const { data_base64: bytes, ...event } = body as Record<string, unknown> // checked above
  return typeof bytes === 'string' ? { ...event, data: Buffer.from(bytes, 'base64') } : event
}

/** Values are percent-encoded in headers of HTTP and NATS. A value that cannot be decoded stays as it is. */
function fromHeaders({ headers, text }: CloudEventMessage, contentType: string): Record<string, unknown> {
  const named = Object.entries(headers)
    .filter(([name]) => PREFIX.test(name))
    .map(([name, value]) => [name.replace(PREFIX, '').toLowerCase(), decoded(name, String(value))] as const)
  const body = text()
  return { ...Object.fromEntries(named), data: JSON_TYPE.test(contentType) ? parse(body) : body }
}

function decoded(name: string, value: string): string {
  if (!/^ce-/i.test(name)) return value
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

function optionsOf(id: string, { time, correlationid }: Readonly<Record<string, string>>): CloudEvent['options'] {
  const occurredAt = time === undefined ? undefined : new Date(time)
  return {
    ...(occurredAt && !Number.isNaN(occurredAt.getTime()) && { occurredAt }),
    ...(correlationid && { correlationId: correlationid }),
    causationId: id,
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw notOne('what should be JSON is none.', cause)
  }
}

function notOne(problem: string, cause?: unknown): PostbusError {
  return new PostbusError('POSTBUS_INVALID_EVENT', `readCloudEvent(): expected a CloudEvent 1.0. ${problem}`, { cause })
}
