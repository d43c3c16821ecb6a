/**
 * An event of the log as a message of a stream: one line of JSON with all fields except the payload, then the payload as it is stored. So a reader can skip an event without decoding its payload.
 */
import type { LogEvent } from '../deliveries/log-reading.ts'

/** The events before this one. If a reader has not received them, it knows that events are missing. */
export interface MessagePlace {
  /** The number of the previous event in the stream. */
  readonly before: number
  /** The number of the previous event in the same partition. */
  readonly beforeInPartition: number
}

export interface LogMessage extends MessagePlace {
  readonly event: LogEvent
  /** Whether the reader must read the event from Postgres: it is too large for a message, or its handling depends on the database's clock. */
  readonly isLookedUp: boolean
}

/** The first line of a message. Fields without a value are left out. */
interface Head extends MessagePlace, Pick<LogEvent, 'number' | 'hash' | 'id' | 'type' | 'version' | 'publishedAt'> {
  readonly occurredAt: number
  readonly key?: string
  readonly correlationId?: string
  readonly causationId?: string
  readonly source?: string
  readonly metadata?: string
  readonly rest?: string
  /** The reader must read the event from Postgres. */
  readonly lookUp?: true
}

const NEW_LINE = 10
/** Space for the headers of a message, in bytes. */
const HEADERS = 512
/** No character takes more bytes than this for each of its UTF-16 units. */
const BYTES_PER_UNIT = 3

/** `maxBytes`: the largest message that the server accepts. */
export function encodeMessage(event: LogEvent, place: MessagePlace, maxBytes: number): Uint8Array {
  if (!isTimed(event)) {
    const text = `${JSON.stringify(headOf(event, place))}\n${event.payload ?? ''}`
    const room = maxBytes - HEADERS
    if (text.length * BYTES_PER_UNIT <= room || Buffer.byteLength(text) <= room) return Buffer.from(text)
  }
  return Buffer.from(`${JSON.stringify({ ...shortHead(event, place), lookUp: true } satisfies Head)}\n`)
}

/** Whether the event may be expired, or early, when it is read. */
function isTimed({ expiresAt, rest }: LogEvent): boolean {
  return expiresAt !== null || (rest !== null && rest.includes('"is_early"'))
}

function headOf(event: LogEvent, place: MessagePlace): Head {
  const { correlationId, causationId, source, metadata, rest } = event
  return {
    ...shortHead(event, place),
    ...(correlationId !== null && { correlationId }),
    ...(causationId !== null && { causationId }),
    ...(source !== null && { source }),
    ...(metadata !== null && { metadata }),
    ...(rest !== null && { rest }),
  }
}

function shortHead(event: LogEvent, { before, beforeInPartition }: MessagePlace): Head {
  const { number, hash, id, type, version, partitionKey: key, occurredAt, publishedAt } = event
  return {
    number,
    before,
    beforeInPartition,
    hash,
    id,
    type,
    version,
    ...(key !== null && { key }),
    occurredAt: occurredAt.getTime(),
    publishedAt,
  }
}

/** Returns `null` for a message that the relay did not write. */
export function decodeMessage(data: Uint8Array): LogMessage | null {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const end = bytes.indexOf(NEW_LINE)
  const head = end < 0 ? null : headIn(bytes.toString('utf8', 0, end))
  if (head === null) return null
  return {
    before: head.before,
    beforeInPartition: head.beforeInPartition,
    isLookedUp: head.lookUp === true,
    event: {
      seq: String(head.number),
      number: head.number,
      hash: head.hash,
      id: head.id,
      type: head.type,
      version: head.version,
      partitionKey: head.key ?? null,
      payload: bytes.toString('utf8', end + 1),
      correlationId: head.correlationId ?? null,
      causationId: head.causationId ?? null,
      source: head.source ?? null,
      metadata: head.metadata ?? null,
      occurredAt: new Date(head.occurredAt),
      publishedAt: head.publishedAt,
      expiresAt: null,
      rest: head.rest ?? null,
    },
  }
}

function headIn(json: string): Head | null {
  try {
    const head = JSON.parse(json) as Partial<Head> | null
    const isOurs = typeof head?.number === 'number' && typeof head.before === 'number' && typeof head.id === 'string'
    return isOurs ? (head as Head) : null
  } catch {
    return null // another program wrote it
  }
}
