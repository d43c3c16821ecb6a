/** Opens a stored event: from a row back to the envelope that was published. */
import type { StoredEvent } from '../deliveries/delivery.ts'
import type { Codec } from '../codec/codec.ts'
import type { Envelope } from '../events/envelope.ts'

/**
 * Decodes an event anew, so that handlers and attempts cannot change each other's copy.
 *
 * @throws {PostbusError} `POSTBUS_CORRUPT_PAYLOAD` when the payload is not a document that Postbus wrote.
 */
export function openEnvelope(stored: StoredEvent, codec: Codec): Envelope {
  return Object.freeze({
    id: stored.id,
    type: stored.type,
    version: stored.version,
    data: codec.decode(stored.payload),
    partitionKey: stored.partitionKey,
    correlationId: stored.correlationId,
    causationId: stored.causationId,
    occurredAt: stored.occurredAt,
    source: stored.source,
    metadata: stored.metadata,
    expiresAt: stored.expiresAt,
  })
}
