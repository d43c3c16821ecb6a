/** The state of one walk through data that is about to be written, and the three things a step can do: grow, annotate, refuse. */

import type { CustomCodec, CustomEncoding } from './custom-codec.ts'
import { MAX_PATH_LENGTH } from './limits.ts'
import type { Place } from './place.ts'
import { grouped, refuse, tooLarge } from './refuse.ts'

export interface Limits {
  what: string
  maxBytes: number
  codecs: readonly CustomCodec[]
}

export interface Walk {
  readonly limits: Limits
  /** True while the walk has met nothing but JSON: then the document needs no annotations. */
  plain: boolean
  /** True if an object is of another realm's class, or of a stand-in's. superjson knows only its own classes, so it gets a copy. */
  foreign: boolean
  /** A lower bound of the document's size, apart from the list of shared references. */
  bytes: number
  referenceBytes: number
  /** The number of annotations whose path in the document begins above the object being visited. */
  exposed: number
  /** Every object met, to find shared and cyclic references. */
  readonly met: Map<object, Met>
  /** The first place of each shared object, and the stored paths of its other places. */
  readonly shared: Map<Place, string[]>
  /** How many steps the reader will need to restore the shared references. */
  referenceSteps: number
  readonly customs: Map<unknown, CustomEncoding>
  /** The objects that `decode` of a codec returned for Map keys and Set elements. No two may be the same object. */
  readonly customKeys: Set<object>
}

export interface Met {
  readonly place: Place
  /** The size of the object's JSON. Undefined while the walk is still inside the object. */
  bytes: number | undefined
  exposed: number
}

export function beginWalk(limits: Limits): Walk {
  return {
    limits,
    plain: true,
    foreign: false,
    bytes: '{"json":}'.length,
    referenceBytes: 0,
    exposed: 0,
    met: new Map(),
    shared: new Map(),
    referenceSteps: 0,
    customs: new Map(),
    customKeys: new Set(),
  }
}

export function grow(walk: Walk, bytes: number): void {
  walk.bytes += bytes
  const total = walk.bytes + walk.referenceBytes
  if (total > walk.limits.maxBytes) throw tooLarge(walk.limits.what, `at least ${grouped(total)}`, walk.limits.maxBytes)
}

/** Counts a value that superjson annotates: its JSON and the annotation, which is at least `path":["map"]`. */
export function annotate(walk: Walk, place: Place, bytes: number): void {
  if (place.prefix > MAX_PATH_LENGTH) refuseHere(walk, place, pathTooLong)
  walk.plain = false
  walk.exposed += 1
  grow(walk, bytes + place.prefix + 9)
}

export const pathTooLong = `has a path of more than ${grouped(MAX_PATH_LENGTH)} characters. Use shorter keys.`

export function refuseHere(walk: Walk, place: Place, because: string, cause?: unknown): never {
  refuse({ what: walk.limits.what, place, because, cause })
}
