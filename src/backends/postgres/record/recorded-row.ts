/** Reads a row of the log to show it to an operator. A row that cannot be decoded is shown as it is stored. */
import { openEnvelope } from '../../../attempt/open-envelope.ts'
import type { Codec } from '../../../codec/codec.ts'
import type { StoredEvent } from '../../../deliveries/delivery.ts'
import type { Envelope } from '../../../events/envelope.ts'
import { isFromSql } from '../../../events/from-sql.ts'
import type { StoredNames } from '../../../handlers/stored-names.ts'
import type { RecordedEvent } from '../../../record/recorded-event.ts'
import { eventAs } from '../deliveries/names.ts'
import { REST } from '../functions/sql.ts'
import { PAYLOAD } from '../functions/sizes.ts'

/** The columns of a row of `event`, as `RecordedRow` names them. */
export const RECORDED_COLUMNS = `event.seq::text as seq, event.id, event.type, event.version,
  event.partition_key as "partitionKey", ${PAYLOAD}, event.correlation_id as "correlationId",
  event.causation_id as "causationId", event.source, event.metadata::text as metadata, event.occurred_at as "occurredAt",
  event.expires_at as "expiresAt", ${REST}, event.published_at as "publishedAt"`

export interface RecordedRow extends StoredEvent {
  readonly publishedAt: Date
}

export function recordedEvent(stored: RecordedRow, codec: Codec, names: StoredNames): RecordedEvent {
  const row = eventAs(names, stored)
  const { seq, publishedAt } = row
  try {
    const event = openEnvelope(row, codec)
    return Object.freeze({ ...event, seq, publishedAt, isRaw: false, ...(isFromSql(event) && { isUnparsed: true }) })
  } catch {
    return Object.freeze({ ...shell(row, codec), data: row.payload, seq, publishedAt, isRaw: true }) // shown raw, without an error
  }
}

/** The envelope without its data, and without its metadata if these cannot be read. */
function shell(row: RecordedRow, codec: Codec): Envelope {
  const empty = { ...row, payload: codec.encode(null, row.type) }
  try {
    return openEnvelope(empty, codec)
  } catch {
    return openEnvelope({ ...empty, metadata: null }, codec)
  }
}
