/** The objects that superjson restores and that hold no other objects: dates, regular expressions, URLs and typed arrays. */

import { types } from 'node:util'

import { MAX_REGEXP_LENGTH } from './limits.ts'
import { type Place, elementOf, propertyOf } from './place.ts'
import { reasonAgainst } from './refuse.ts'
import { type Walk, annotate, refuseHere } from './walk.ts'

type Visit = (walk: Walk, value: object, place: Place) => void

export function isLeaf(prototype: unknown): boolean {
  return visitors.has(prototype)
}

/** Refuses a value of any other kind. `foreign` is the name of its class, if that is built in but not of this realm. */
export function visitLeaf(walk: Walk, value: object, place: Place, foreign?: string): void {
  const visit = visitors.get(Object.getPrototypeOf(value)) ?? foreignVisitors.get(foreign) ?? refuseUnknown
  visit(walk, value, place)
}

/** Refuses every property that is not in `known`: superjson stores only an object's content, so it would be lost. */
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

const kinds: readonly (readonly [{ readonly name: string; readonly prototype: object }, Visit])[] = [
  [Date, visitDate],
  [RegExp, visitRegExp],
  [URL, visitUrl],
  [Int8Array, visitTypedArray],
  [Uint8Array, visitTypedArray],
  [Uint8ClampedArray, visitTypedArray],
  [Int16Array, visitTypedArray],
  [Uint16Array, visitTypedArray],
  [Int32Array, visitTypedArray],
  [Uint32Array, visitTypedArray],
  [Float32Array, visitTypedArray],
  [Float64Array, visitTypedArray],
]

/** Looked up by prototype, because an instance of a subclass would come back as an instance of the base class. */
const visitors: ReadonlyMap<unknown, Visit> = new Map(kinds.map(([kind, visit]) => [kind.prototype, visit]))
const foreignVisitors: ReadonlyMap<unknown, Visit> = new Map(kinds.map(([kind, visit]) => [kind.name, visit]))

function refuseUnknown(walk: Walk, value: object, place: Place): void {
  refuseHere(walk, place, reasonAgainst(value))
}

function visitDate(walk: Walk, value: object, place: Place): void {
  if (!types.isDate(value)) return refuseUnknown(walk, value, place)
  if (Number.isNaN(value.getTime())) return refuseHere(walk, place, 'is an invalid Date. Publish a valid one, or null.')

  if (!(value instanceof Date)) walk.foreign = true // the global Date is a stand-in, and this Date is not its instance
  refuseExtraProperties(walk, value, place, ['constructor']) // fake timers give each of their Dates this property
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

/** Returns the address, if parsing it gives the same URL again. */
function hrefOf(value: object): string | undefined {
  try {
    const href: unknown = Reflect.get(value, 'href')
    return typeof href === 'string' && new URL(href).href === href ? href : undefined
  } catch {
    return undefined // not a real URL: it only has the prototype of one
  }
}

function visitTypedArray(walk: Walk, value: object, place: Place): void {
  if (!types.isTypedArray(value)) return refuseUnknown(walk, value, place)
  annotate(walk, place, value.length * 2)
  if (Reflect.ownKeys(value).length !== value.length) refuseHere(walk, place, extraOfTypedArray)
  if (types.isSharedArrayBuffer(value.buffer)) refuseHere(walk, place, sharedMemory)
  if (types.isFloat32Array(value) || types.isFloat64Array(value)) refuseOddNumbers(walk, value, place)
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
