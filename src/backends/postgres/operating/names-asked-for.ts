/** Translates the names of handlers and event types for operators: from an operator's names to the stored ones, and back. */
import type { DeadLetterFilter } from '../../../deliveries/dead-letters.ts'
import type { LaneName } from '../../../deliveries/lanes.ts'
import type { StoredNames } from '../../../handlers/stored-names.ts'

/** A filter of dead letters, with all names that a handler or an event type may be stored under. */
export interface StoredFilter {
  readonly deliveryIds?: readonly string[] | undefined
  readonly handlers?: readonly string[] | undefined
  readonly eventTypes?: readonly string[] | undefined
  readonly error?: string | undefined
}

export function storedFilter(
  names: StoredNames,
  { deliveryIds, handler, eventType, error }: DeadLetterFilter,
): StoredFilter {
  return {
    deliveryIds,
    handlers: handler === undefined ? undefined : names.handlers.all(handler),
    error,
    eventTypes: eventType === undefined ? undefined : names.eventTypes.all(eventType),
  }
}

/** A lane that an operator asks for. `stored`: the names that it may be stored under, the likely one first. */
export interface LaneAskedFor extends LaneName {
  readonly stored: readonly LaneName[]
}

export function namesOfLane({ handlers }: StoredNames, { handler, partitionKey }: LaneName): LaneAskedFor {
  const stored = handlers.all(handler).map((name) => ({ handler: name, partitionKey }))
  return { handler: handlers.shown(handler), partitionKey, stored }
}

/** Returns what the database found, with the present names of its handler and its event type. */
export function namedAsNow<Found extends { readonly handler: string; readonly eventType: string | null }>(
  { handlers, eventTypes }: StoredNames,
  found: Found,
): Found {
  const eventType = found.eventType === null ? null : eventTypes.shown(found.eventType)
  return { ...found, handler: handlers.shown(found.handler), eventType }
}
