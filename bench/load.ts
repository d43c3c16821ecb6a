/** The backlog that waits when a measurement starts: a number of events on some keys, in the same order in every run. */

export interface Load {
  /** The key of each event, in the order of publishing. */
  readonly keys: readonly string[]
}

/** One busy key, which the figures count separately. */
export const HOT_KEY = 'hot'

/** Each event is on one of `keys` keys, chosen at random. */
export function evenLoad(events: number, keys: number): Load {
  const chance = sameEachTime()
  return { keys: Array.from({ length: events }, () => `key-${Math.floor(chance() * keys)}`) }
}

/** All events on the hot key. */
export function hotLoad(events: number): Load {
  return { keys: Array.from({ length: events }, () => HOT_KEY) }
}

/** `share` of the events on the hot key, the rest on `keys` others. `withoutHot` is the same load without the hot key. */
export function skewedLoad(events: number, keys: number, share: number): { mixed: Load; withoutHot: Load } {
  const chance = sameEachTime()
  const mixed = Array.from({ length: events }, () =>
    chance() < share ? HOT_KEY : `key-${Math.floor(chance() * keys)}`,
  )
  return { mixed: { keys: mixed }, withoutHot: { keys: mixed.filter((key) => key !== HOT_KEY) } }
}

/** Splits the load into lists of at most `size`, each with the position of its first key. */
export function* listsOf({ keys }: Load, size: number): Generator<{ start: number; keys: readonly string[] }> {
  for (let start = 0; start < keys.length; start += size) yield { start, keys: keys.slice(start, start + size) }
}

/** Pseudo-random numbers from 0 to 1, the same in every run (mulberry32). */
function sameEachTime(): () => number {
  let state = 42
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
