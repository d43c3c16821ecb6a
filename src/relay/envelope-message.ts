/** The message format for another application that uses Postbus: the whole event as JSON, its data encoded by the codec. */
import { z } from 'zod'
import { createCodec, type Codec, type CustomCodec } from '../codec/codec.ts'
import { MAX_DOCUMENT_BYTES } from '../codec/limits.ts'
import { parseJson } from '../codec/parse-json.ts'
import type { Envelope, EventMetadata } from '../events/envelope.ts'
import { PostbusError } from '../errors.ts'
import type { RelayMessage } from './message.ts'

const CONTENT_TYPE = 'application/vnd.postbus.event+json'

export function envelopeMessage(event: Envelope, codec: Codec): RelayMessage {
  const { id, type, version, partitionKey, correlationId, causationId, causedByHandler, source, metadata } = event
  const { occurredAt, initializedAt, expiresAt } = event
  const around = { id, type, version, partitionKey, correlationId, causationId, causedByHandler, source, metadata }
  const payload = codec.encode(event.data, `${type}: its data`)
  const body = JSON.stringify({ ...around, occurredAt, initializedAt, expiresAt, payload })
  return { id, type, partitionKey, occurredAt, contentType: CONTENT_TYPE, attributes: {}, body }
}

const text = z.string().min(1)
const time = z.iso.datetime({ offset: true }).transform((written) => new Date(written))

/** Unknown fields, such as fields of newer releases, are ignored. */
const written = z.object({
  id: z.uuid(),
  type: text,
  version: z.int().min(1),
  partitionKey: text.nullable(),
  correlationId: text.nullable(),
  causationId: text.nullable(),
  causedByHandler: text.nullable(),
  source: text.nullable(),
  metadata: z.record(z.string(), z.unknown()),
  occurredAt: time,
  initializedAt: time.nullable(),
  expiresAt: time.nullable(),
  payload: z.string(),
})

/**
 * Reads a message that a relay with `format: 'envelope'` has sent. Its data is what the other application published. To check the data, make an
 * event of your own event type from it.
 *
 * @example
 * const { id, data } = readEnvelope(message.body)
 * await bus.publish(OrderCreated(data as OrderData, { id }), { tx })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_EVENT` if no relay has sent this, `POSTBUS_CORRUPT_PAYLOAD` if the data cannot be decoded.
 */
export function readEnvelope(
  body: string | Uint8Array,
  { codecs = [] }: { readonly codecs?: readonly CustomCodec[] } = {},
): Envelope {
  const read = written.safeParse(jsonOf(body))
  if (!read.success) throw notAnEnvelope(z.prettifyError(read.error))
  const { payload, metadata, ...around } = read.data
  const data = createCodec({ codecs, maxBytes: MAX_DOCUMENT_BYTES }).decode(payload)
  return Object.freeze({ ...around, data, metadata: metadata as EventMetadata }) // parsed from JSON, so all its values are JSON values
}

function jsonOf(body: string | Uint8Array): unknown {
  try {
    return parseJson(typeof body === 'string' ? body : Buffer.from(body).toString('utf8'))
  } catch (error) {
    throw notAnEnvelope('It is not JSON.', error)
  }
}

function notAnEnvelope(problem: string, cause?: unknown): PostbusError {
  const message = `readEnvelope(): expected the body of a message of a relay with \`format: 'envelope'\`. ${problem}`
  return new PostbusError('POSTBUS_INVALID_EVENT', message, { cause })
}
