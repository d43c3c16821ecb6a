/** Turns an event into a CloudEvent 1.0: its attributes, and the message in structured or in binary mode. */
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import type { RelayMessage } from './message.ts'

/** The options of a relay for its CloudEvents. */
export interface CloudEventOptions {
  /** The attribute `source`. Default: the event's source, else `postbus`. A value that is not a URI reference is percent-encoded. */
  readonly source?: string | ((event: Envelope) => string) | undefined
  /** The attribute `type`, such as `com.example.orders.order-created`. Default: the event type's name. */
  readonly type?: ((event: Envelope) => string) | undefined
  /** The attribute `dataschema`, an absolute URI. Default: none. The version of the event type is the extension `dataversion`. */
  readonly dataSchema?: ((event: Envelope) => string) | undefined
  /** Further attributes, such as metadata that the receiver may see. Names: 1 to 20 lower case letters and digits. Default: none. */
  readonly extensions?: ((event: Envelope) => Readonly<Record<string, string | number | boolean>>) | undefined
}

type Attributes = Readonly<Record<string, string | number | boolean>>

/** Structured mode: the body holds everything, attributes and data. */
export function structured(event: Envelope, data: unknown, options: CloudEventOptions): RelayMessage {
  const { specversion, ...attributes } = attributesOf(event, options)
  const body = JSON.stringify({ specversion, ...attributes, datacontenttype: 'application/json', data })
  return { ...addressOf(event), contentType: 'application/cloudevents+json; charset=utf-8', attributes: {}, body }
}

/** Binary mode: the body holds the data alone. The attributes are sent beside it, as headers. */
export function binary(event: Envelope, data: unknown, options: CloudEventOptions): RelayMessage {
  const attributes = Object.entries(attributesOf(event, options)).map(([name, value]) => [name, String(value)] as const)
  return {
    ...addressOf(event),
    contentType: 'application/json',
    attributes: Object.fromEntries(attributes),
    body: JSON.stringify(data),
  }
}

/** The fields that every message copies from its event. */
export function addressOf({ id, type, partitionKey, occurredAt }: Envelope) {
  return { id, type, partitionKey, occurredAt }
}

function attributesOf(event: Envelope, options: CloudEventOptions): Attributes {
  const { partitionKey, correlationId, causationId, expiresAt, version, metadata } = event
  const own: Attributes = {
    specversion: '1.0',
    id: event.id,
    source: uriReference(sourceOf(event, options)),
    type: options.type?.(event) ?? event.type,
    time: event.occurredAt.toISOString(),
    ...(options.dataSchema && { dataschema: options.dataSchema(event) }),
    ...(partitionKey !== null && { subject: partitionKey, partitionkey: partitionKey }),
    ...(correlationId !== null && { correlationid: correlationId }),
    ...(causationId !== null && { causationid: causationId }),
    ...(expiresAt && { expirytime: expiresAt.toISOString() }),
    ...traceOf(metadata),
    dataversion: version,
  }
  return { ...checkedExtensions(event, own, options.extensions?.(event) ?? {}), ...own }
}

/** The CloudEvents specification has an extension with the same two names: `traceparent` and `tracestate`. */
function traceOf({ traceparent, tracestate }: Envelope['metadata']): Attributes {
  return {
    ...(typeof traceparent === 'string' && traceparent !== '' && { traceparent }),
    ...(typeof tracestate === 'string' && tracestate !== '' && { tracestate }),
  }
}

function sourceOf(event: Envelope, { source }: CloudEventOptions): string {
  const own = typeof source === 'function' ? source(event) : source
  return own ?? event.source ?? 'postbus'
}

/** Characters that RFC 3986 allows anywhere, and percent-encoded bytes. The first segment may have a colon only after a scheme. */
const URI_REFERENCE =
  /^(?:[a-z][a-z0-9+.-]*:|(?![^/?#]*:))(?:[\w.~!$&'()*+,;=:@/?[\]-]|%[\da-f]{2})*(?:#(?:[\w.~!$&'()*+,;=:@/?-]|%[\da-f]{2})*)?$/i

function uriReference(source: string): string {
  return URI_REFERENCE.test(source) ? source : encodeURIComponent(source)
}

const EXTENSION = /^[a-z0-9]{1,20}$/
const RESERVED = ['data', 'datacontenttype', 'dataschema', 'subject']

function checkedExtensions(event: Envelope, own: Attributes, extensions: Attributes): Attributes {
  for (const [name, value] of Object.entries(extensions)) {
    if (!EXTENSION.test(name) || name in own || RESERVED.includes(name)) throw refuse(event, name, NAMES)
    if (!isAttribute(value)) throw refuse(event, name, VALUES)
  }
  return extensions
}

const NAMES = 'expected 1 to 20 lower case letters and digits, and no attribute that the event has already'
const VALUES = 'expected text that is not empty, a whole number of 32 bits, or a boolean'

function isAttribute(value: unknown): boolean {
  if (typeof value === 'string') return value !== ''
  return typeof value === 'boolean' || (Number.isInteger(value) && value === ((value as number) | 0))
}

function refuse({ type }: Envelope, name: string, expected: string): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `${type}: \`extensions\` gave the attribute ${JSON.stringify(name)}: ${expected}.`,
  )
}
