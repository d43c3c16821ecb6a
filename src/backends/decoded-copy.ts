/** An event as it would come back from the database: a frozen copy that went through the codec. */
import type { PlannedEvent } from '../publishing/backend.ts'
import type { StoredEvent } from '../deliveries/delivery.ts'
import type { Codec } from '../codec/codec.ts'
import type { Envelope } from '../events/envelope.ts'
import { storedTypeOf } from '../events/stored-as.ts'
import { AS_STORED, asRead, type Reading } from '../handlers/reading.ts'
import { isPlainObject } from '../realm.ts'
import { dueHere } from '../publishing/due.ts'
import { openEnvelope } from '../attempt/open-envelope.ts'

/**
 * Decodes a new copy each time, as a handler with this reading gets it, and freezes all of its data and metadata: a reader that changed
 * the copy would surprise the next reader.
 *
 * @throws {PostbusError} `POSTBUS_UPCAST_FAILED`.
 */
export function decodedCopy(planned: PlannedEvent, codec: Codec, reading: Reading = AS_STORED): Envelope {
  const copy = asRead(reading, openEnvelope(storedForm(planned), codec))
  freezeDeep(copy.data)
  freezeDeep(copy.metadata)
  return copy
}

/** The row that the database would hold. */
export function storedForm({ envelope, payload, due }: PlannedEvent): StoredEvent {
  return {
    seq: '0', // only a database numbers the events
    id: envelope.id,
    type: envelope.type,
    storedType: storedTypeOf(envelope),
    version: envelope.version,
    partitionKey: envelope.partitionKey,
    payload,
    correlationId: envelope.correlationId ?? envelope.id,
    causationId: envelope.causationId,
    source: envelope.source,
    metadata: Object.keys(envelope.metadata).length === 0 ? null : JSON.stringify(envelope.metadata),
    occurredAt: new Date(envelope.occurredAt),
    expiresAt: envelope.expiresAt && new Date(envelope.expiresAt),
    rest: restOf(envelope, dueHere(due)),
  }
}

function restOf({ causedByHandler, initializedAt }: Envelope, dueAt: Date | null): string | null {
  if (!causedByHandler && !initializedAt && !dueAt) return null
  return JSON.stringify({ caused_by_handler: causedByHandler, initialized_at: initializedAt, due_at: dueAt })
}

function freezeDeep(value: unknown): void {
  if (!Array.isArray(value) && !isPlainObject(value)) return
  if (Object.isFrozen(value)) return
  Object.freeze(value)
  for (const inner of Object.values(value)) freezeDeep(inner)
}
