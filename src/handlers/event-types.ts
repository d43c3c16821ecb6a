/** The event types of a bus: the types that it is given, for handlers that listen by patterns, and the types that its handlers list. */
import { PostbusError } from '../errors.ts'
import { isEventType } from '../events/event.ts'
import type { AnyHandler } from './handler.ts'
import type { AnyEventType } from './listens-to.ts'
import { kindsIn } from './shadow.ts'

/** An array of event types, or a module (or any object) whose exports are event types or arrays of them. */
export type EventTypeSet = readonly AnyEventType[] | Readonly<Record<string, unknown>>

/** Event types, or a function that imports them: `() => import('./events.ts')`. */
export type EventTypes = EventTypeSet | (() => EventTypeSet | Promise<EventTypeSet>)

/**
 * Returns each type and version once, the types of the set first.
 *
 * @throws {PostbusError} `POSTBUS_INVALID_EVENT` when something in the set is not an event type;
 * `POSTBUS_DUPLICATE_EVENT_TYPE` when one type and version is defined in two places. The error names both.
 */
export function eventTypesOf(set: EventTypeSet, handlers: readonly AnyHandler[]): readonly AnyEventType[] {
  const known = new Map<string, AnyEventType>()
  for (const eventType of [...eventTypesIn(set), ...handlers.flatMap(listedBy)]) {
    const name = `${eventType.type} version ${eventType.version}`
    const other = known.get(name)
    if (other && !isSame(other, eventType)) throw duplicate(name, other, eventType)
    known.set(name, other ?? eventType)
  }
  return Object.freeze([...known.values()])
}

function eventTypesIn(set: EventTypeSet): readonly AnyEventType[] {
  if (typeof set !== 'object' || set === null) throw notEventTypes('`events`', set)
  return Object.entries(set).flatMap(([name, value]: [string, unknown]) => {
    if (isEventType(value)) return [value]
    if (Array.isArray(value) && value.every(isEventType)) return value
    throw notEventTypes(Array.isArray(set) ? `\`events[${name}]\`` : `The export "${name}" of the events module`, value)
  })
}

/** The event types in a handler's `on`. */
export function listedBy({ on }: AnyHandler): readonly AnyEventType[] {
  return kindsIn(on).filter(isEventType)
}

/** A module that was loaded twice defines an event type twice in the same place. That is not a conflict. */
function isSame(one: AnyEventType, other: AnyEventType): boolean {
  return one === other || one.definedAt === other.definedAt
}

function notEventTypes(what: string, value: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `${what} is ${value === null ? 'null' : typeof value}, not an event type: expected what defineEvent(…) returns.`,
  )
}

function duplicate(name: string, one: AnyEventType, other: AnyEventType): PostbusError {
  return new PostbusError(
    'POSTBUS_DUPLICATE_EVENT_TYPE',
    `${name} is defined twice, so that events of one kind could have data of two. Keep one, or raise its version.\n` +
      `  ${one.definedAt}\n  ${other.definedAt}`,
  )
}
