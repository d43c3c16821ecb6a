/** Decides in which version a handler gets an event that was published in another version, or why the handler cannot get it. */
import type { AnyHandler } from './handler.ts'
import type { AnyEventType } from './listens-to.ts'
import { listedBy } from './event-types.ts'
import { subscribes } from './subscription.ts'
import type { Envelope } from '../events/envelope.ts'
import { detailsOf } from '../events/event-details.ts'
import { isFromSql, parsed } from '../events/from-sql.ts'
import { ownCopy } from '../events/own-copy.ts'
import { hasUpcasts, missingUpcast, upcasted } from '../events/upcasts.ts'

/**
 * How a handler reads an event of one type and version:
 *
 * - `as-stored`: it lists that version, or hears it by a pattern.
 * - `upcast`: it lists a newer version, which has upcasts from that version. If it lists several, the newest counts.
 * - `older`: it lists newer versions only, and an upcast is missing.
 * - `newer`: it lists older versions only.
 * - `not-heard`: it does not listen to this event type.
 *
 * `of` is the event type of the stored version, if it is known: its schema checks events that SQL has published.
 */
export type Reading =
  | { readonly is: 'as-stored'; readonly of?: AnyEventType }
  | { readonly is: 'upcast'; readonly to: AnyEventType; readonly of?: AnyEventType }
  | { readonly is: 'older'; readonly known: readonly number[]; readonly missing: number }
  | { readonly is: 'newer'; readonly known: readonly number[] }
  | { readonly is: 'not-heard' }

type Readable = Extract<Reading, { readonly is: 'as-stored' | 'upcast' }>

/** An event type by its present name, and a version. */
export interface TypeAndVersion {
  readonly type: string
  readonly version: number
}

/** The event types that a bus knows, besides the types that the handler lists. */
export interface KnownTypes {
  /** All names of an event type. A pattern matches any of them. */
  namesOf(type: string): readonly string[]
  /** The newest version of an event type that is known. */
  newest(type: string): AnyEventType | undefined
  /** The event type of this name and version. */
  known(event: TypeAndVersion): AnyEventType | undefined
}

export const AS_STORED: Reading = Object.freeze({ is: 'as-stored' })
const NOT_HEARD: Reading = Object.freeze({ is: 'not-heard' })

const NOTHING_KNOWN: KnownTypes = { namesOf: (type) => [type], newest: () => undefined, known: () => undefined }

export function readingOf(handler: AnyHandler, event: TypeAndVersion, known: KnownTypes = NOTHING_KNOWN): Reading {
  const reading = readingBy(handler, event, known)
  if (reading.is !== 'as-stored' && reading.is !== 'upcast') return reading
  const of = known.known(event)
  return of ? { ...reading, of } : reading
}

function readingBy(handler: AnyHandler, event: TypeAndVersion, known: KnownTypes): Reading {
  const { type, version } = event
  if (lists(handler, event)) return AS_STORED
  const listed = listedBy(handler).filter((one) => one.type === type)
  if (listed.length > 0) {
    const reading = fromListed(listed, version)
    if (reading.is === 'upcast') return reading
    return byPattern(handler, event, known) ?? reading
  }
  return byPattern(handler, event, known) ?? NOT_HEARD
}

/**
 * Returns the event as a handler with this reading gets it. Pass data that nothing else uses: an upcast may change it.
 *
 * @throws {PostbusError} `POSTBUS_UPCAST_FAILED`; `POSTBUS_INVALID_EVENT` for an event from SQL that its schema does not
 * accept.
 */
export function asRead(reading: Reading, event: Envelope): Envelope {
  if (!isReadable(reading)) return event
  const stored = isFromSql(event) ? parsedFromSql(event, reading) : event
  return reading.is === 'upcast' ? upcasted(stored, reading.to) : stored
}

/**
 * An older version may be known only by its upcast. An event of an unknown type is passed on unchecked: only patterns hear it, and its
 * data is JSON.
 */
function parsedFromSql(event: Envelope, reading: Readable): Envelope {
  const type = reading.of ?? (reading.is === 'upcast' ? detailsOf(reading.to).upcasts[event.version]?.from : undefined)
  return type ? parsed(event, type) : event
}

/** The same for an event that is being published: its data is frozen, so the upcast gets a copy. */
export function asHeard(reading: Reading, event: Envelope): Envelope {
  return reading.is === 'upcast' ? asRead(reading, { ...event, data: ownCopy(event.data) }) : event
}

/** Whether a handler with this reading gets the event. */
export function isReadable(reading: Reading): reading is Readable {
  return reading.is === 'as-stored' || reading.is === 'upcast'
}

function lists({ subscriptions }: AnyHandler, { type, version }: TypeAndVersion): boolean {
  return subscriptions.some((one) => one.is === 'event-type' && subscribes(one, type, version))
}

function fromListed(listed: readonly AnyEventType[], version: number): Reading {
  const newestFirst = listed.toSorted((one, other) => other.version - one.version)
  const known = newestFirst.map((one) => one.version).toReversed()
  const newer = newestFirst.filter((one) => one.version > version)
  const to = newer.find((one) => missingUpcast(one, version) === null)
  if (to) return Object.freeze({ is: 'upcast', to })
  const [newest] = newer
  if (!newest) return Object.freeze({ is: 'newer', known })
  return Object.freeze({ is: 'older', known, missing: missingUpcast(newest, version) ?? version })
}

/** A pattern matches every version. If the event type has upcasts, the handler gets the newest version, as other handlers do. */
function byPattern(handler: AnyHandler, { type, version }: TypeAndVersion, known: KnownTypes): Reading | null {
  const names = known.namesOf(type)
  const isHeard = handler.subscriptions.some(
    (one) => one.is === 'pattern' && names.some((name) => subscribes(one, name, version)),
  )
  if (!isHeard) return null
  const newest = known.newest(type)
  if (!newest || newest.version <= version || !hasUpcasts(newest)) return AS_STORED
  return fromListed([newest], version)
}
