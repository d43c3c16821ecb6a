/** In which version a handler gets an event that was published in another one, or why it cannot get it. */
import type { AnyEventType, AnyHandler } from './handler.ts'
import { listedBy } from './event-types.ts'
import { subscribes } from './subscription.ts'
import type { Envelope } from '../events/envelope.ts'
import { ownCopy } from '../events/own-copy.ts'
import { hasUpcasts, missingUpcast, upcasted } from '../events/upcasts.ts'

/**
 * How a handler reads an event of one type and version:
 *
 * - `as-stored`: it lists that version, or hears it by a pattern.
 * - `upcast`: it lists a newer version, which has upcasts from that one. Newest first, where it lists several.
 * - `older`: it lists newer versions only, and an upcast is missing.
 * - `newer`: it lists older versions only.
 * - `not-heard`: it does not listen to this event type.
 */
export type Reading =
  | { readonly is: 'as-stored' }
  | { readonly is: 'upcast'; readonly to: AnyEventType }
  | { readonly is: 'older'; readonly known: readonly number[]; readonly missing: number }
  | { readonly is: 'newer'; readonly known: readonly number[] }
  | { readonly is: 'not-heard' }

/** An event type by the name that it has now, and a version. */
export interface TypeAndVersion {
  readonly type: string
  readonly version: number
}

/** What is known of event types beside what the handler lists. */
export interface KnownTypes {
  /** Every name of an event type: a pattern hears it by any of them. */
  namesOf(type: string): readonly string[]
  /** The newest version of an event type that is known. */
  newest(type: string): AnyEventType | undefined
}

export const AS_STORED: Reading = Object.freeze({ is: 'as-stored' })
const NOT_HEARD: Reading = Object.freeze({ is: 'not-heard' })

const NOTHING_KNOWN: KnownTypes = { namesOf: (type) => [type], newest: () => undefined }

export function readingOf(handler: AnyHandler, event: TypeAndVersion, known: KnownTypes = NOTHING_KNOWN): Reading {
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
 * The event as a handler with this reading gets it. Its data must be the caller's own: an upcast may change what it is given.
 *
 * @throws {PostbusError} `POSTBUS_UPCAST_FAILED`.
 */
export function asRead(reading: Reading, event: Envelope): Envelope {
  return reading.is === 'upcast' ? upcasted(event, reading.to) : event
}

/** The same for an event that is being published: its data is frozen, so an upcast gets a copy. */
export function asHeard(reading: Reading, event: Envelope): Envelope {
  return reading.is === 'upcast' ? asRead(reading, { ...event, data: ownCopy(event.data) }) : event
}

/** Whether a handler with this reading gets the event. */
export function isReadable(reading: Reading): boolean {
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

/** A pattern hears every version. Where a type has upcasts it gets the newest one, as all others do. */
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
