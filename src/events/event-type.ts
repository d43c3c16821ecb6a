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
  /** Where it was defined, for the error about two that have one type and version. */
  readonly definedAt: string
}

/** The event that an event type makes: `type OrderCreated = EventOf<typeof OrderCreated>`. */
export type EventOf<Kind> = Kind extends (data: never, options?: EventOptions) => infer Event ? Event : never
