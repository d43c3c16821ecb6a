/** What a handler may listen to, and what the compiler makes of it: the events that `interested` and `handle` are given. */
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
 * The whole event of what a handler listens to: a union over its event types that `switch (event.type)` narrows. Of an event
 * that only a pattern takes, the data are unknown; a list with a pattern is narrowed by `OrderCreated.is(event)`.
 */
export type EventFor<Listens extends ListensTo> =
  Listens extends Shadow<infer Of>
    ? EventFor<Of>
    : Listens extends readonly (infer Kind)[]
      ? EventOfKind<Kind>
      : EventOfKind<Listens>

type EventOfKind<Kind> = Kind extends Pattern ? Envelope : EventOf<Kind>

/** What `handle` is given: the whole event, or its shadow. */
export type HandledEvent<Listens extends ListensTo> =
  Listens extends Shadow<infer Of> ? ShadowOf<EventFor<Of>> : EventFor<Listens>

/** An event without its data, which are fetched when they are wanted. */
export interface ShadowEvent<
  Type extends string = string,
  Version extends number = number,
  Data = unknown,
> extends Omit<Envelope<Type, Version, Data>, 'data'> {
  /**
   * Reads the whole event from where it is stored. It is read once for each attempt; a read that failed is tried again by the
   * next call.
   *
   * @throws {PostbusError} `POSTBUS_EVENT_GONE` when the event was deleted meanwhile; `POSTBUS_CORRUPT_PAYLOAD` when its data
   * cannot be decoded.
   */
  fetch(): Promise<Envelope<Type, Version, Data>>
}

type ShadowOf<Event> =
  Event extends Envelope<infer Type, infer Version, infer Data> ? ShadowEvent<Type, Version, Data> : never
