/** Objects without further values inside that superjson restores: dates, regular expressions, URLs and typed arrays. */

import { types } from 'node:util'

import { MAX_REGEXP_LENGTH } from './limits.ts'
import { type Place, elementOf, propertyOf } from './place.ts'
import { reasonAgainst } from './refuse.ts'
import { type Walk, annotate, refuseHere } from './walk.ts'

type Visit = (walk: Walk, value: object, place: Place) => void

/** Refuses what is none of these kinds. */
export function visitLeaf(walk: Walk, value: object, place: Place): void {
  const visit = visitors.get(Object.getPrototypeOf(value)) ?? refuseUnknown
  visit(walk, value, place)
}

/** Everything an object carries besides its content would be lost. */
export function refuseExtraProperties(walk: Walk, object: object, place: Place, known: readonly string[] = []): void {
  for (const key of Reflect.ownKeys(object)) {
    if (typeof key === 'symbol') refuseHere(walk, place, symbolKey(key))
    if (!known.includes(key)) refuseHere(walk, propertyOf(place, key), extraProperty)
  }
}

export function symbolKey(key: symbol): string {
  return `has the key ${String(key)}, a symbol, which JSON cannot hold. Use a string as the key.`
}

export const extraProperty =
  'is an extra property of something other than a plain object, and would be lost. Remove it.'

/** By prototype: an instance of a subclass would come back as an instance of the base class. */
const visitors: ReadonlyMap<unknown, Visit> = new Map<unknown, Visit>([
  [Date.prototype, visitDate],
  [RegExp.prototype, visitRegExp],
  [URL.prototype, visitUrl],
  [Int8Array.prototype, visitTypedArray],
  [Uint8Array.prototype, visitTypedArray],
  [Uint8ClampedArray.prototype, visitTypedArray],
  [Int16Array.prototype, visitTypedArray],
  [Uint16Array.prototype, visitTypedArray],
  [Int32Array.prototype, visitTypedArray],
  [Uint32Array.prototype, visitTypedArray],
  [Float32Array.prototype, visitTypedArray],
  [Float64Array.prototype, visitTypedArray],
])

function refuseUnknown(walk: Walk, value: object, place: Place): void {
  refuseHere(walk, place, reasonAgainst(value))
}

function visitDate(walk: Walk, value: object, place: Place): void {
  if (!types.isDate(value)) return refuseUnknown(walk, value, place)
  if (Number.isNaN(value.getTime())) return refuseHere(walk, place, 'is an invalid Date. Publish a valid one, or null.')

  refuseExtraProperties(walk, value, place)
  annotate(walk, place, '"2026-01-01T00:00:00.000Z"'.length)
}

function visitRegExp(walk: Walk, value: object, place: Place): void {
  if (!types.isRegExp(value)) return refuseUnknown(walk, value, place)
  if (value.lastIndex !== 0) refuseHere(walk, place, 'is a RegExp with a lastIndex, which would be lost. Set it to 0.')
  if (value.source.length > MAX_REGEXP_LENGTH) {
    refuseHere(walk, place, `is a RegExp of more than ${MAX_REGEXP_LENGTH} characters. Publish its source as a string.`)
  }

  refuseExtraProperties(walk, value, place, ['lastIndex'])
  annotate(walk, place, value.source.length + 4)
}

function visitUrl(walk: Walk, value: object, place: Place): void {
  refuseExtraProperties(walk, value, place)
  const href = hrefOf(value)
  if (href === undefined) return refuseUnknown(walk, value, place)
  annotate(walk, place, href.length + 2)
}

/** The address, if the same URL can be made of it again. */
function hrefOf(value: object): string | undefined {
  if (!(value instanceof URL)) return undefined
  try {
    const { href } = value
    return new URL(href).href === href ? href : undefined
  } catch {
    return undefined // not a URL inside: it only has the prototype of one
  }
}

function visitTypedArray(walk: Walk, value: object, place: Place): void {
  if (!types.isTypedArray(value)) return refuseUnknown(walk, value, place)
  annotate(walk, place, value.length * 2)
  if (Reflect.ownKeys(value).length !== value.length) refuseHere(walk, place, extraOfTypedArray)
  if (types.isSharedArrayBuffer(value.buffer)) refuseHere(walk, place, sharedMemory)
  if (value instanceof Float32Array || value instanceof Float64Array) refuseOddNumbers(walk, value, place)
}

const extraOfTypedArray = 'has extra properties, which would be lost. Publish a copy of it: .slice().'
const sharedMemory = 'is over shared memory, which would become a copy. Publish a copy of it: .slice().'

/** superjson writes the elements as plain JSON, where these three kinds of number become null or 0. */
function refuseOddNumbers(walk: Walk, array: Float32Array | Float64Array, place: Place): void {
  const odd = array.findIndex((number) => !Number.isFinite(number) || Object.is(number, -0))
  if (odd < 0) return

  const number = Object.is(array[odd], -0) ? '-0' : String(array[odd])
  refuseHere(walk, elementOf(place, odd), `is ${number}, which a typed array cannot keep. Use an array of numbers.`)
}
