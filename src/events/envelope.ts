/** An event as it travels: its own data, and around it what is needed to carry, trace and order it. */

/**
 * One event: something that happened, with its `data`. Made by calling an event type, frozen, and the same for the
 * publisher, for `interested` and (decoded again for each attempt) for the handler.
 */
export interface Envelope<Type extends string = string, Version extends number = number, Data = unknown> {
  /** UUIDv7 unless given. An id that is already stored is not published again. */
  readonly id: string
  /** The event type's name, such as `orders.order-created`. Narrows the union in a handler of several types. */
  readonly type: Type
  /** The event type's version, 1 unless declared. */
  readonly version: Version
  /** The event's own content: what the schema returned. */
  readonly data: Data
  /** Events with equal keys are handled one at a time, per handler. `null`: no order needed. */
  readonly partitionKey: string | null
  /** The chain of events this one belongs to: the id of the chain's first event. `null` until published. */
  readonly correlationId: string | null
  /** The id of the event whose handler published this one, or `null`. */
  readonly causationId: string | null
  /** The handler that published it, or `null` outside of handlers. */
  readonly causedByHandler: string | null
  /** When the work began that led to it, or `null` when that is not known. */
  readonly initializedAt: Date | null
  /** When it happened, by the publisher's clock unless given. */
  readonly occurredAt: Date
  /** Which program published it, or `null`. */
  readonly source: string | null
  /** Free fields for tracing, tenants and the like. JSON values only. */
  readonly metadata: EventMetadata
  /**
   * When the event stops being of interest (`occurredAt` + `ttlMs`), or `null` for never. A delivery that is claimed later is recorded as
   * `expired`, and its handler not called; an event that no delivery waits for any more is pruned then.
   */
  readonly expiresAt: Date | null
  /** When it is delivered, if it was published for later: see `delayMs` and `at` of `publish`. */
  readonly dueAt?: Date
}

/** Free fields of an envelope: what `JSON.stringify` keeps. */
export type EventMetadata = { readonly [key: string]: EventMetadataValue }
export type EventMetadataValue = string | number | boolean | null | readonly EventMetadataValue[] | EventMetadata

/** What the publisher may say about an event besides its data. Everything is optional. */
export interface EventOptions {
  /** A UUID that names this event for good: publishing it twice stores it once. Default: a new UUIDv7. */
  readonly id?: string
  /** Default: now. */
  readonly occurredAt?: Date
  /** When the work began that led to it, for `durationMs(event)`. Default: not known. */
  readonly initializedAt?: Date
  /** Default: the handled event's correlation id inside a handler, else this event's own id. */
  readonly correlationId?: string
  /** Default: the handled event's id inside a handler, else none. */
  readonly causationId?: string
  /** Default: the bus's `source`. */
  readonly source?: string
  readonly metadata?: EventMetadata
  /** Milliseconds after `occurredAt` at which the event stops being of interest. Default: never. */
  readonly ttlMs?: number
}
