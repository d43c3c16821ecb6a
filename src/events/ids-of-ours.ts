/**
 * Which ids were made by us, because nobody gave one: a bus with `createId` puts one of its own in their place. Remembered beside
 * the time of the event, which copies of the event share.
 */
import type { Envelope } from './envelope.ts'

/** One for the process: test runners may load the library twice, and publish with one copy what the other has made. */
const SLOT = Symbol.for('postbus.ids-of-ours')
const place = globalThis as typeof globalThis & { [SLOT]?: WeakMap<Date, string> }
const ids = (place[SLOT] ??= new WeakMap<Date, string>())

export function rememberId({ id, occurredAt }: Pick<Envelope, 'id' | 'occurredAt'>): void {
  ids.set(occurredAt, id)
}

export function isIdOfOurs({ id, occurredAt }: Envelope): boolean {
  return ids.get(occurredAt) === id
}
