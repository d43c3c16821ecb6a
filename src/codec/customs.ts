/** Offers each object of an event's data to the custom codecs before it is written. */

import { type CustomEncoding, CustomCodecFailure, encodeCustom } from './custom-codec.ts'
import { MAX_DEPTH, isDangerousKey } from './limits.ts'
import type { PlainJson } from './parse-json.ts'
import type { Place } from './place.ts'
import { type Walk, annotate, grow, refuseHere } from './walk.ts'

/** Returns true if a codec encodes the value. */
export function visitCustom(walk: Walk, value: object, place: Place): boolean {
  const encoding = encodingOf(walk, value, place)
  if (!encoding) return false

  if (place.is === 'map key' || place.is === 'set element') refuseMerging(walk, encoding, place)
  walk.customs.set(value, encoding)
  measure(walk, encoding.json, place)
  annotate(walk, place, 0)
  return true
}

function encodingOf(walk: Walk, value: object, place: Place): CustomEncoding | undefined {
  try {
    return encodeCustom(value, walk.limits.codecs)
  } catch (error) {
    if (error instanceof CustomCodecFailure) return refuseHere(walk, place, error.message, error.cause)
    throw error
  }
}

/** Two Map keys or Set elements would become one if the codec decoded both to the same object. */
function refuseMerging(walk: Walk, { codec, comesBackAs }: CustomEncoding, place: Place): void {
  if (walk.customKeys.has(comesBackAs)) {
    refuseHere(walk, place, `would become the same as another one: the codec "${codec.name}" gives back one object.`)
  }
  walk.customKeys.add(comesBackAs)
}

/** Counts the size of the plain JSON that a codec returned. `place.depth` levels of the document are around it. */
function measure(walk: Walk, json: PlainJson, place: Place, depth = place.depth): void {
  if (typeof json === 'string') return grow(walk, json.length + 2)
  if (typeof json !== 'object' || json === null) return grow(walk, 1)
  if (depth >= MAX_DEPTH) refuseHere(walk, place, `is encoded more than ${MAX_DEPTH} levels deep by its codec.`)

  grow(walk, 1)
  for (const [key, value] of Object.entries(json)) {
    if (isDangerousKey(key)) refuseHere(walk, place, `is encoded with the key "${key}", which can harm the reader.`)
    grow(walk, Array.isArray(json) ? 1 : key.length + 4)
    measure(walk, value, place, depth + 1)
  }
}
