/** An event as it travels: its data, and the fields that are needed to carry, trace and order it. */

/**
 * One event: something that happened, with its `data`. Made by calling an event type, frozen, and the same for the
 * publisher, for `interested` and (decoded again for each attempt) for the handler.
 */
export interface Envelope<Type extends string = string, Version extends number = number, Data = unknown> {
  /** A UUIDv7 unless given. If an event with this id is already stored, it is not stored again. */
  readonly id: string
  /** The event type's name, such as `orders.order-created`. Narrows the union in a handler of several types. */
  readonly type: Type
  /** The event type's version, 1 unless declared. */
  readonly version: Version
  /** The event's content, as the schema returned it. */
  readonly data: Data
  /** Events with equal keys are handled one at a time, per handler. `null`: no order needed. */
  readonly partitionKey: string | null
  /** The chain that this event belongs to: by default the id of the chain's first event. `null` until published. */
  readonly correlationId: string | null
  /** The id of the event whose handler published this one, or `null`. */
  readonly causationId: string | null
  /** The handler that published it, or `null` outside of handlers. */
  readonly causedByHandler: string | null
  /** When the work that led to the event began, or `null` when that is not known. */
  readonly initializedAt: Date | null
  /** When the event happened, by the publisher's clock unless given. */
  readonly occurredAt: Date
  /** Which program published it, or `null`. */
  readonly source: string | null
  /** Custom fields, for tracing, tenants and similar. JSON values only. */
  readonly metadata: EventMetadata
  /**
   * When the event expires (`occurredAt` + `ttlMs`), or `null` for never. A delivery that is claimed later is recorded as `expired`, and
   * its handler is not called. After that time, the event is pruned once no delivery waits for it.
   */
  readonly expiresAt: Date | null
  /** When the event is due, if it was published for later: see `delayMs` and `at` of `publish`. */
  readonly dueAt?: Date
}

/** Custom fields of an envelope: values that `JSON.stringify` keeps. */
export type EventMetadata = { readonly [key: string]: EventMetadataValue }
export type EventMetadataValue = string | number | boolean | null | readonly EventMetadataValue[] | EventMetadata

/** The options of an event, besides its data. All are optional. */
export interface EventOptions {
  /** A UUID that identifies this event: publishing it twice stores it once. Default: a new UUIDv7. */
  readonly id?: string
  /** Default: now. */
  readonly occurredAt?: Date
  /** When the work that led to the event began, for `durationMs(event)`. Default: not known. */
  readonly initializedAt?: Date
  /** Default: inside a handler the handled event's correlation id, otherwise this event's own id. */
  readonly correlationId?: string
  /** Default: inside a handler the handled event's id, otherwise none. */
  readonly causationId?: string
  /** Default: the bus's `source`. */
  readonly source?: string
  readonly metadata?: EventMetadata
  /** The event expires this many milliseconds after `occurredAt`. Default: never, or the `ttlMs` of the bus. */
  readonly ttlMs?: number
}
