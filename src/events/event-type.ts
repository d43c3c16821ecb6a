/** The type of what `defineEvent` returns, and of the events that it makes. */
import type { Envelope, EventOptions } from './envelope.ts'

/** A declared kind of event. Call it with data to make an event: it validates the data, and never uses the database. */
export interface EventType<
  Type extends string = string,
  Version extends number = number,
  Input = never,
  Data = unknown,
> {
  /**
   * Makes an event: validates `data` with the schema and returns a frozen envelope. Its data is a copy: later changes
   * to the objects that you passed do not change the event. It publishes nothing: call `bus.publish` for that.
   *
   * @throws {PostbusError} `POSTBUS_INVALID_EVENT` when the data or an option is not acceptable; the error lists every
   * problem.
   */
  (data: Input, options?: EventOptions): Envelope<Type, Version, Data>
  readonly type: Type
  readonly version: Version
  /** Its previous names, oldest first. The oldest one is the name that is stored. */
  readonly previousNames: readonly string[]
  /**
   * Whether an event is of this type and version, as a type guard: for a handler that listens to patterns, where the data of
   * an event is unknown to the compiler until then.
   *
   * @example if (OrderCreated.is(event)) await invoices.create(event.data.orderId)
   */
  is(event: Envelope): event is Envelope<Type, Version, Data>
  /** Where it was defined, for the error about two definitions of one type and version. */
  readonly definedAt: string
}

/** How the delivery of an event to one handler has ended. */
export interface EndedDelivery {
  readonly handler: string
  readonly state: 'done' | 'skipped' | 'expired' | 'superseded' | 'dead' | 'blocked' | 'cancelled'
  /** Why the delivery is dead, or was skipped. */
  readonly reason: string | null
}

/** The event that an event type makes: `type OrderCreated = EventOf<typeof OrderCreated>`. */
export type EventOf<Kind> = Kind extends (data: never, options?: EventOptions) => infer Event ? Event : never
