/** Selects recorded events: the arguments of `bus.events.list`, `count` and `countByType`. */
import { z } from 'zod'
import type { EventMetadataValue } from '../events/envelope.ts'
import { NAME } from '../names.ts'
import type { RecordedEvent } from './recorded-event.ts'

/** The state of an event's deliveries: see `EventFilter.state`. */
export type EventState = 'unfinished' | 'retrying' | 'dead'

/** All given fields must match. Leave a field out instead of setting it to undefined. */
export interface EventFilter {
  /**
   * A type's name, or a pattern in which `*` stands for any characters: `orders.*`. A renamed type matches by its present name and by its
   * previous names.
   */
  readonly type?: string
  readonly partitionKey?: string
  readonly correlationId?: string
  readonly causationId?: string
  /** Published at this time or later, by the database's clock. */
  readonly since?: Date
  /** Published before this time. */
  readonly until?: Date
  /** Events that this handler has received. */
  readonly handler?: string
  /**
   * `unfinished`: a delivery of the event will still run by itself. `retrying`: a delivery waits after a failed attempt. `dead`:
   * a delivery is an open dead letter. With `handler`, only that handler's delivery counts.
   */
  readonly state?: EventState
  /** These fields of the metadata have these values. */
  readonly metadata?: { readonly [field: string]: EventMetadataValue }
  /** The stored data contains this text. Upper and lower case do not matter. */
  readonly text?: string
}

export interface EventQuery extends EventFilter {
  /** Which events come first. Default: `newest`. */
  readonly first?: 'newest' | 'oldest'
  /** At most this many events, from 1 to 10,000. Default: 100. */
  readonly limit?: number
  /** The `cursor` of the page before, to get the next one. `null`, the default, begins at the beginning. */
  readonly cursor?: string | null
}

export interface EventPage {
  readonly events: readonly RecordedEvent[]
  /**
   * Pass it to get the next page; `null` when there is none. A page with fewer than `limit` events, or none, may still have
   * a cursor: a list that must read the events themselves, for example for `text` or `metadata`, stops after 200 ms.
   */
  readonly cursor: string | null
}

/** An event, and the events that it caused. */
export interface EventBranch {
  readonly event: RecordedEvent
  readonly caused: readonly EventBranch[]
}

export interface EventTree extends EventBranch {
  /** The events that caused it, the first cause first. */
  readonly causes: readonly RecordedEvent[]
}

const text = z.string().min(1).max(512)

const fields = {
  type: z
    .string()
    .refine(
      (pattern) => NAME.test(pattern.replaceAll('*', 'x')),
      'expected an event type or a pattern, such as "orders.*"',
    )
    .exactOptional(),
  partitionKey: text.exactOptional(),
  correlationId: text.exactOptional(),
  causationId: text.exactOptional(),
  since: z.date().exactOptional(),
  until: z.date().exactOptional(),
  handler: z.string().regex(NAME).exactOptional(),
  state: z.enum(['unfinished', 'retrying', 'dead']).exactOptional(),
  metadata: z.record(z.string(), z.json()).exactOptional(),
  text: text.exactOptional(),
}

export const eventFilter = z.strictObject(fields)
export const eventQuery = z.strictObject({
  ...fields,
  first: z.enum(['newest', 'oldest']).default('newest'),
  limit: z.int().min(1).max(10_000).default(100),
  cursor: z
    .string()
    .regex(/^[no]\d{1,19}$/, 'expected the `cursor` of an earlier page of this list, unchanged')
    .nullish()
    .default(null),
})

export type CheckedEventFilter = z.output<typeof eventFilter>
export type CheckedEventQuery = z.output<typeof eventQuery>
