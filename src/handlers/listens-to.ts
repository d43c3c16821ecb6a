/** What a handler may listen to, and the types of the events that its `interested` and `handle` get. */
import type { Envelope } from '../events/envelope.ts'
import type { EventOf, EventType } from '../events/event.ts'

/** An event type with data of any type. */
export type AnyEventType = EventType

/** A pattern over event type names: text in which `*` stands for any characters (`'orders.*'`), or a regular expression. */
export type Pattern = string | RegExp

/** Event types and patterns: one, or a list that mixes them. */
export type Listening = AnyEventType | Pattern | readonly (AnyEventType | Pattern)[]

/** What a handler listens to: an event type, a pattern, a list that mixes them, or `shadow(…)` of any of these. */
export type ListensTo = Listening | Shadow

/** What `shadow(…)` returns: the same events, without their data. */
export interface Shadow<Of extends Listening = Listening> {
  readonly shadowOf: Of
}

/**
 * The type of the whole event that a handler listens to: a union over its event types, which `switch (event.type)` narrows.
 * For an event that only a pattern matches, the data is unknown; in a list with a pattern, `OrderCreated.is(event)` narrows
 * it.
 */
export type EventFor<Listens extends ListensTo> =
  Listens extends Shadow<infer Of>
    ? EventFor<Of>
    : Listens extends readonly (infer Kind)[]
      ? EventOfKind<Kind>
      : EventOfKind<Listens>

type EventOfKind<Kind> = Kind extends Pattern ? Envelope : EventOf<Kind>

/** The type of the event that `handle` gets: the whole event, or its shadow. */
export type HandledEvent<Listens extends ListensTo> =
  Listens extends Shadow<infer Of> ? ShadowOf<EventFor<Of>> : EventFor<Listens>

/** An event without its data, which the handler can fetch. */
export interface ShadowEvent<
  Type extends string = string,
  Version extends number = number,
  Data = unknown,
> extends Omit<Envelope<Type, Version, Data>, 'data'> {
  /**
   * Reads the whole stored event. It is read once per attempt; if a read fails, the next call tries again.
   *
   * @throws {PostbusError} `POSTBUS_EVENT_GONE` when the event was deleted meanwhile; `POSTBUS_CORRUPT_PAYLOAD` when its data
   * cannot be decoded.
   */
  fetch(): Promise<Envelope<Type, Version, Data>>
}

type ShadowOf<Event> =
  Event extends Envelope<infer Type, infer Version, infer Data> ? ShadowEvent<Type, Version, Data> : never
