/** Which events are meant: what `bus.events.list`, `count` and `countByType` take. */
import { z } from 'zod'
import type { EventMetadataValue } from '../events/envelope.ts'
import { NAME } from '../names.ts'
import type { RecordedEvent } from './recorded-event.ts'

/** Where events stand with their handlers. */
export type EventState = 'unfinished' | 'retrying' | 'dead'

/** Everything given must match. A field that is given must not be undefined. */
export interface EventFilter {
  /** A type's name, or a pattern in which `*` stands for any characters: `orders.*`. A renamed type is meant by each name that it has or had. */
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
   * `unfinished`: a delivery of it will run again by itself. `retrying`: one waits after a failed attempt. `dead`: one is an open
   * dead letter. With `handler`, the delivery of that one.
   */
  readonly state?: EventState
  /** These fields of the metadata have these values. */
  readonly metadata?: { readonly [field: string]: EventMetadataValue }
  /** The stored data contains this text. Upper and lower case are the same. */
  readonly text?: string
}

export interface EventQuery extends EventFilter {
  /** Which come first. Default: `newest`. */
  readonly first?: 'newest' | 'oldest'
  /** At most this many, from 1 to 10,000; 100 unless given. */
  readonly limit?: number
  /** Where to go on: the `cursor` of the page before. `null` begins at the beginning. */
  readonly cursor?: string | null
}

export interface EventPage {
  readonly events: readonly RecordedEvent[]
  /**
   * For the next page; `null` when there is none. A page may hold fewer than `limit` events, or none, and still have one: a
   * list that has to read the events themselves, for `text` or `metadata`, say, stops after 200 ms.
   */
  readonly cursor: string | null
}

/** An event, and what it caused. */
export interface EventBranch {
  readonly event: RecordedEvent
  readonly caused: readonly EventBranch[]
}

export interface EventTree extends EventBranch {
  /** What caused it, the first cause first. */
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
