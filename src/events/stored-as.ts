/**
 * The name that an event is stored under, where its type was renamed: the first one that the type had. The event brings it
 * along, because a bus need not know the types of the events that it publishes.
 */
/** A property that a copy (`{ ...event }`) has too. Events whose type was never renamed have none. */
const STORED_AS = Symbol.for('postbus.stored-as')

/** What to spread into an envelope. */
export function storedAs(type: string, stored: string): object {
  return type === stored ? {} : { [STORED_AS]: stored }
}

export function storedTypeOf(event: { readonly type: string }): string {
  const stored: unknown = Reflect.get(event, STORED_AS)
  return typeof stored === 'string' ? stored : event.type
}
