/** What an event type keeps out of sight: it is for Postbus alone. Known to every copy of the package in a process. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Envelope } from './envelope.ts'
import type { EndedDelivery, EventType } from './event-type.ts'

const DETAILS = Symbol.for('postbus.event-type')

/** Makes data of the next version. Synchronous and pure: it runs again for each attempt of each handler. */
export interface Upcast<Result = unknown> {
  (data: unknown): Result
  /** The event type whose data it takes, where it was given: see `upcast`. */
  readonly from?: EventType
}

/** Makes the event that follows when all handlers are through. */
export type FinishedEvent = (event: Envelope, deliveries: readonly EndedDelivery[]) => Envelope

export interface EventDetails {
  readonly schema: StandardSchemaV1
  /** By the version that they start from. */
  readonly upcasts: Readonly<Record<number, Upcast>>
  readonly finishedEvent?: FinishedEvent | undefined
  /** It has a `partitionKey`. */
  readonly isKeyed?: boolean
  readonly retentionMs?: number | undefined
}

export function withDetails<Kind extends object>(type: Kind, details: EventDetails): Kind {
  return Object.defineProperty(type, DETAILS, { value: details })
}

export function detailsOf(type: EventType): EventDetails {
  // Only withDetails writes this property; only the compiler cannot know.
  return (Reflect.get(type, DETAILS) as EventDetails | undefined) ?? NONE
}

/** Of what only looks like an event type: a stand-in of a test. */
const NONE: EventDetails = {
  schema: { '~standard': { version: 1, vendor: 'none', validate: (value) => ({ value }) } },
  upcasts: {},
}
