/** The hidden part of an event type, which only Postbus uses. Every copy of the package in a process can read it. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Envelope } from './envelope.ts'
import type { EndedDelivery, EventType } from './event-type.ts'

const DETAILS = Symbol.for('postbus.event-type')

/** Turns data into data of the next version. Synchronous and pure: it runs again for each attempt of each handler. */
export interface Upcast<Result = unknown> {
  (data: unknown): Result
  /** The event type whose data it takes, if it was given: see `upcast`. */
  readonly from?: EventType
}

/** Makes the event that follows when the deliveries at all handlers have ended. */
export type FinishedEvent = (event: Envelope, deliveries: readonly EndedDelivery[]) => Envelope

export interface EventDetails {
  readonly schema: StandardSchemaV1
  /** Upcasts by the version that they start from. */
  readonly upcasts: Readonly<Record<number, Upcast>>
  readonly finishedEvent?: FinishedEvent | undefined
  /** Whether it has a `partitionKey`. */
  readonly isKeyed?: boolean
  readonly retentionMs?: number | undefined
}

export function withDetails<Kind extends object>(type: Kind, details: EventDetails): Kind {
  return Object.defineProperty(type, DETAILS, { value: details })
}

export function detailsOf(type: EventType): EventDetails {
  // Only withDetails writes this property. The compiler cannot know that.
  return (Reflect.get(type, DETAILS) as EventDetails | undefined) ?? NONE
}

/** The details of an object that only looks like an event type, such as a test's fake. */
const NONE: EventDetails = {
  schema: { '~standard': { version: 1, vendor: 'none', validate: (value) => ({ value }) } },
  upcasts: {},
}
