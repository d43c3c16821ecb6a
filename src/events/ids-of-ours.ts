/**
 * Which ids were made by us, because none was given: a bus with `createId` puts one of its own in their place. Remembered beside
 * the time of the event, which copies of the event share; and only once there is such a bus, because it takes a tenth of the time in
 * which an event is made. What was made before keeps its id.
 */
import type { Envelope } from './envelope.ts'

/** One for the process: test runners may load the library twice, and publish with one copy what the other has made. */
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
