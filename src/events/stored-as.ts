/**
 * What an event brings along of its type, because a bus need not know the types of the events that it publishes: the name that it is stored
 * under, where its type was renamed (the first one that the type had), whether another event follows it,
 * and how long it is kept.
 */
/** A property that a copy (`{ ...event }`) has too. Events whose type was never renamed have none. */
const STORED_AS = Symbol.for('postbus.stored-as')

/** A property of events whose type has a `finishedEvent`, also of copies. */
const FOLLOWED = Symbol.for('postbus.followed')

/** A property of events whose type has a retention of its own, also of copies. */
const RETAINED = Symbol.for('postbus.retained')

interface OfItsType {
  readonly finishedEvent: unknown
  readonly retentionMs: number | undefined
}

/** What to spread into an envelope. */
export function broughtAlong({ finishedEvent, retentionMs }: OfItsType): object {
  return {
    ...(finishedEvent !== undefined && { [FOLLOWED]: true }),
    ...(retentionMs !== undefined && { [RETAINED]: retentionMs }),
  }
}

/** In milliseconds; undefined where its type says nothing. */
export function retentionOf(event: object): number | undefined {
  const retained: unknown = Reflect.get(event, RETAINED)
  return typeof retained === 'number' ? retained : undefined
}

export function isFollowed(event: object): boolean {
  return Reflect.get(event, FOLLOWED) === true
}

/** What to spread into an envelope. */
export function storedAs(type: string, stored: string): object {
  return type === stored ? {} : { [STORED_AS]: stored }
}

export function storedTypeOf(event: { readonly type: string }): string {
  const stored: unknown = Reflect.get(event, STORED_AS)
  return typeof stored === 'string' ? stored : event.type
}
