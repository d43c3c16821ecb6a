/** Events outside of a database: what `bus.events.export` brings and `bus.events.import` takes. */
import { z } from 'zod'
import { parseJson } from '../codec/parse-json.ts'
import { isEventId } from '../events/event-id.ts'
import { PostbusError } from '../errors.ts'
import { NAME } from '../names.ts'
import type { ActOptions } from './acts.ts'
import type { LogFilter } from './log-filter.ts'
import { storableText } from './storable-text.ts'

/** An event as it is stored, as plain JSON. Nothing is decoded: types and codecs that this process does not know pass through. */
export interface ExportedEvent {
  readonly id: string
  readonly type: string
  readonly version: number
  readonly partitionKey: string | null
  /** The data as the codec wrote it: JSON text. */
  readonly payload: string
  readonly correlationId: string
  readonly causationId: string | null
  readonly causedByHandler: string | null
  readonly initializedAt: string | null
  readonly source: string | null
  /** JSON text. */
  readonly metadata: string | null
  /** Its data was erased; and what a delivery becomes that waited for it. */
  readonly redacted: 'dead-letter' | 'deliver' | null
  readonly occurredAt: string
  readonly publishedAt: string
  readonly expiresAt: string | null
  /** Until when it is kept, where its type has a retention of its own. */
  readonly retainedUntil: string | null
}

export interface ImportReport {
  /** Events that were stored. */
  readonly count: number
  /** Events that were there already, by their ids, and were passed over. */
  readonly duplicates: number
  /** Of those that were stored: published so long ago that pruning takes them at once, unless the bus has a longer `retentionMs`. */
  readonly pastRetention: number
}

/** `bus.events`. */
export interface EventTransfer {
  /**
   * Stored events in the order of publishing, one after the other: the log is not held in memory. It ends with what was published
   * when it began.
   *
   * @example for await (const event of bus.events.export({ types: ['orders.*'] })) file.write(`${JSON.stringify(event)}\n`)
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`, before the first event.
   */
  export(filter?: LogFilter): AsyncIterable<ExportedEvent>
  /**
   * Stores events in the order in which they come, with their ids and times. No handler gets them, unless they are replayed. What is there already is
   * passed over, so an import that was interrupted can be made again.
   *
   * @throws {PostbusError} `POSTBUS_INVALID_EVENT`, saying which one and what is wrong; those before it may be stored.
   */
  import(events: AsyncIterable<unknown> | Iterable<unknown>, act?: ActOptions): Promise<ImportReport>
}

const time = z.iso.datetime({ offset: true })
const json = z.string().refine(isJson, 'expected JSON text')

const exportedEvent = z.strictObject({
  id: z.string().refine(isEventId, 'expected a UUID'),
  type: z.string().regex(NAME),
  version: z.int().min(1),
  partitionKey: storableText(512).nullable(),
  payload: json,
  correlationId: storableText(512),
  causationId: storableText(512).nullable(),
  causedByHandler: storableText(512).nullable(),
  initializedAt: time.nullable(),
  source: storableText(512).nullable(),
  metadata: json.nullable(),
  redacted: z.enum(['dead-letter', 'deliver']).nullable(),
  occurredAt: time,
  publishedAt: time,
  expiresAt: time.nullable(),
  retainedUntil: time.nullable(),
})

/** @throws {PostbusError} `POSTBUS_INVALID_EVENT`. `number` counts from 1. */
export function checkedImport(given: unknown, number: number): ExportedEvent {
  const parsed = exportedEvent.safeParse(given)
  if (parsed.success) return parsed.data
  throw new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `Event ${number.toLocaleString('en')} of the import is not what bus.events.export() brings.\n${z.prettifyError(parsed.error)}`,
  )
}

function isJson(text: string): boolean {
  try {
    parseJson(text)
    return text.isWellFormed()
  } catch {
    return false
  }
}
