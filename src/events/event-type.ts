/** What `defineEvent` returns, and the event that it makes. */
import type { Envelope, EventOptions } from './envelope.ts'

/** A declared kind of event. Call it with data to make one; it validates, and never touches the database. */
export interface EventType<
  Type extends string = string,
  Version extends number = number,
  Input = never,
  Data = unknown,
> {
  /**
   * Makes an event: validates `data` with the schema and returns a frozen envelope. Its data is a copy: what you change
   * afterwards in the objects that you passed does not reach the event. Publishes nothing: `bus.publish` does.
   *
   * @throws {PostbusError} `POSTBUS_INVALID_EVENT` when the data or an option is not acceptable; lists every problem.
   */
  (data: Input, options?: EventOptions): Envelope<Type, Version, Data>
  readonly type: Type
  readonly version: Version
  /** What it was named before, oldest first: the oldest is the name that is stored. */
  readonly previousNames: readonly string[]
  /**
   * Whether an event is of this type and version, for the compiler too: in a handler that listens to patterns, where the data
   * of an event are unknown until this was asked.
   *
   * @example if (OrderCreated.is(event)) await invoices.create(event.data.orderId)
   */
  is(event: Envelope): event is Envelope<Type, Version, Data>
  /** Where it was defined, for the error about two that have one type and version. */
  readonly definedAt: string
}

/** What became of an event at one handler, when all are through. */
export interface EndedDelivery {
  readonly handler: string
  readonly state: 'done' | 'skipped' | 'expired' | 'superseded' | 'dead' | 'blocked' | 'cancelled'
  /** Why it is dead, or was skipped. */
  readonly reason: string | null
}

/** The event that an event type makes: `type OrderCreated = EventOf<typeof OrderCreated>`. */
export type EventOf<Kind> = Kind extends (data: never, options?: EventOptions) => infer Event ? Event : never
