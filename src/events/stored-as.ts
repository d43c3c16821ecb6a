/**
 * Facts about its event type that an event carries, because a bus need not know the types of the events that it publishes: the first name
 * of a renamed type, under which the event is stored; whether another event follows it; and how long it is kept.
 */
/** A property that a copy (`{ ...event }`) keeps. Events whose type was never renamed do not have it. */
const STORED_AS = Symbol.for('postbus.stored-as')

/** A property of events whose type has a `finishedEvent`. Copies keep it. */
const FOLLOWED = Symbol.for('postbus.followed')

/** A property of events whose type has its own retention. Copies keep it. */
const RETAINED = Symbol.for('postbus.retained')

interface OfItsType {
  readonly finishedEvent: unknown
  readonly retentionMs: number | undefined
}

/** Properties to spread into an envelope. */
export function broughtAlong({ finishedEvent, retentionMs }: OfItsType): object {
  return {
    ...(finishedEvent !== undefined && { [FOLLOWED]: true }),
    ...(retentionMs !== undefined && { [RETAINED]: retentionMs }),
  }
}

/** In milliseconds; undefined if the event type has no `retentionMs`. */
export function retentionOf(event: object): number | undefined {
  const retained: unknown = Reflect.get(event, RETAINED)
  return typeof retained === 'number' ? retained : undefined
}

export function isFollowed(event: object): boolean {
  return Reflect.get(event, FOLLOWED) === true
}

/** Properties to spread into an envelope. */
export function storedAs(type: string, stored: string): object {
  return type === stored ? {} : { [STORED_AS]: stored }
}

export function storedTypeOf(event: { readonly type: string }): string {
  const stored: unknown = Reflect.get(event, STORED_AS)
  return typeof stored === 'string' ? stored : event.type
}
