/**
 * Remembers which event ids Postbus made because none was given: a bus with `createId` replaces such an id by its own. The key is
 * the event's `occurredAt` object, which copies of the event share. Ids are remembered only once such a bus exists, because
 * remembering takes a tenth of the time that it takes to make an event. Events made before that keep their ids.
 */
import type { Envelope } from './envelope.ts'

/** One for the process: test runners may load the library twice, and publish events with one copy that the other has made. */
const SLOT = Symbol.for('postbus.ids-of-ours')
const place = globalThis as typeof globalThis & { [SLOT]?: WeakMap<Date, string> }

/** From now on ids are remembered. */
export function rememberIds(): void {
  place[SLOT] ??= new WeakMap()
}

export function rememberId({ id, occurredAt }: Pick<Envelope, 'id' | 'occurredAt'>): void {
  place[SLOT]?.set(occurredAt, id)
}

export function isIdOfOurs({ id, occurredAt }: Envelope): boolean {
  return place[SLOT]?.get(occurredAt) === id
}
