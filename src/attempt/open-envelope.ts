/** Opens a stored event: from a row back to the envelope that was published. */
import { parseJson } from '../codec/parse-json.ts'
import type { Codec } from '../codec/codec.ts'
import type { StoredEvent } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import type { Envelope, EventMetadata } from '../events/envelope.ts'
import { FROM_SQL } from '../events/from-sql.ts'
import { storedAs } from '../events/stored-as.ts'
import { asRead, type Reading } from '../handlers/reading.ts'

/**
 * Returns the event as a handler with this reading gets it, or the error that says why it cannot be opened. Never throws: a row
 * that cannot be read, or an upcast that fails, must not harm other deliveries.
 */
export function openedOrError(stored: StoredEvent, reading: Reading, codec: Codec): Envelope | PostbusError {
  try {
    return asRead(reading, openEnvelope(stored, codec))
  } catch (cause) {
    if (cause instanceof PostbusError) return cause
    return corrupt(stored, 'cannot be decoded.', cause)
  }
}

/**
 * Decodes an event for one attempt of one handler, so that no handler can change another's copy. Decoding once for all handlers of a
 * claim would be slower: a structured copy takes more than twice as long as another decode.
 *
 * The data of an event from SQL is returned unchecked: `asRead` checks it against the schema.
 *
 * @throws {PostbusError} `POSTBUS_CORRUPT_PAYLOAD` when the payload is not a document that Postbus wrote, or the metadata
 * cannot be read.
 */
export function openEnvelope(stored: StoredEvent, codec: Codec): Envelope {
  if (stored.payload === null) throw corrupt(stored, 'its data was not read.', undefined)
  const { data, isUnparsed } = codec.open(stored.payload)
  const envelope = opened(stored, data)
  return Object.freeze(isUnparsed ? { ...envelope, ...FROM_SQL } : envelope)
}

/** Returns an event without its data. Throws as `openEnvelope` does when the metadata cannot be read. */
export function openHead(stored: StoredEvent): Omit<Envelope, 'data'> {
  const { data: _, ...head } = opened(stored, null)
  return head
}

function opened(stored: StoredEvent, data: unknown): Envelope {
  const rest = openRest(stored)
  return {
    id: stored.id,
    type: stored.type,
    version: stored.version,
    data,
    partitionKey: stored.partitionKey,
    correlationId: stored.correlationId,
    causationId: stored.causationId,
    causedByHandler: rest.caused_by_handler ?? null,
    initializedAt: rest.initialized_at ? new Date(rest.initialized_at) : null,
    occurredAt: stored.occurredAt,
    source: stored.source,
    metadata: stored.metadata === null ? {} : openMetadata(stored, stored.metadata),
    expiresAt: stored.expiresAt,
    ...(rest.due_at && rest.due_at !== CANCELLED && { dueAt: new Date(rest.due_at) }),
    ...storedAs(stored.type, stored.storedType ?? stored.type),
  }
}

function openMetadata(stored: StoredEvent, text: string): EventMetadata {
  try {
    return parseJson(text) as EventMetadata // nothing else is published
  } catch (cause) {
    throw corrupt(stored, 'the stored metadata cannot be read. Restore them, or discard the event.', cause)
  }
}

const CANCELLED = 'infinity'

/** Whether it was cancelled before it was due. */
export function isCancelled({ rest }: Pick<StoredEvent, 'rest'>): boolean {
  return rest !== null && openRest({ rest }).due_at === CANCELLED
}

/** Whether it was published for later, and its time had not come when it was read. */
export function isEarly({ rest }: Pick<StoredEvent, 'rest'>): boolean {
  return rest !== null && openRest({ rest }).is_early === true
}

/** The replay or backfill that the delivery of this event belongs to; null for most. */
export function replayOf({ rest }: StoredEvent): string | null {
  return openRest({ rest }).replay ?? null
}

/** How a waiting delivery was told that it ended; `open`: it was told nothing, and its time is over. */
interface Awaited {
  readonly as: 'open' | 'done' | 'skipped' | 'failed'
  readonly reason?: string
}

/** Fields that most events do not have. */
interface Rest {
  readonly replay?: string | null
  readonly caused_by_handler?: string | null
  readonly initialized_at?: string | null
  /** The event's data was erased. Says what becomes of a delivery that was waiting then. */
  readonly redacted?: 'dead-letter' | 'deliver' | null
  /** It had expired when it was claimed. */
  readonly is_expired?: boolean
  /** The time for which the event was published, if that was later. `infinity`: it was cancelled. */
  readonly due_at?: string | null
  /** That time had not come when it was read. */
  readonly is_early?: boolean
  /** The event was published by SQL, and a handler of shadows with `interested` listens to it. */
  readonly is_unasked?: boolean | null
  /** Its delivery has waited to be told how it ended. */
  readonly awaited?: Awaited | null
}

export function openRest(stored: Pick<StoredEvent, 'rest'>): Rest {
  return stored.rest === null ? {} : (parseJson(stored.rest) as Rest) // only our own statements write it
}

export function corrupt({ type, id }: StoredEvent, problem: string, cause: unknown): PostbusError {
  return new PostbusError('POSTBUS_CORRUPT_PAYLOAD', `${type} ${id}: ${problem}`, { cause })
}
