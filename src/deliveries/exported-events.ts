/** Events outside of a database: the output of `bus.events.export`, and the input of `bus.events.import`. */
import { z } from 'zod'
import { parseJson } from '../codec/parse-json.ts'
import { isEventId } from '../events/event-id.ts'
import { PostbusError } from '../errors.ts'
import { NAME } from '../names.ts'
import type { ActOptions } from './acts.ts'
import type { LogFilter } from './log-filter.ts'
import { storableText } from './storable-text.ts'

/** A stored event as plain JSON. Nothing is decoded, so event types and codecs that this process does not know pass through. */
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
  /** If its data was erased: what happens to deliveries that still wait for it. `null`: its data was not erased. */
  readonly redacted: 'dead-letter' | 'deliver' | null
  readonly occurredAt: string
  readonly publishedAt: string
  readonly expiresAt: string | null
  /** Until when it is kept, if its event type has its own retention. */
  readonly retainedUntil: string | null
}

export interface ImportReport {
  /** Events that were stored. */
  readonly count: number
  /** Events that were skipped, because an event with this id was already stored. */
  readonly duplicates: number
  /** Stored events that were published so long ago that pruning deletes them at once, unless the bus gets a longer `retentionMs`. */
  readonly pastRetention: number
}

/** `bus.events`. */
export interface EventTransfer {
  /**
   * Returns stored events in the order of publishing, one after the other: the log is not held in memory. It ends with the last
   * event that was published when the export began.
   *
   * @example for await (const event of bus.events.export({ types: ['orders.*'] })) file.write(`${JSON.stringify(event)}\n`)
   * @throws {PostbusError} `POSTBUS_INVALID_OPTIONS`, before the first event.
   */
  export(filter?: LogFilter): AsyncIterable<ExportedEvent>
  /**
   * Stores events in the given order, with their ids and times. No handler gets them, unless they are replayed. Events that are already stored are
   * skipped, so an interrupted import can be repeated.
   *
   * @throws {PostbusError} `POSTBUS_INVALID_EVENT`, saying which event is wrong and why; the events before it may be stored.
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
