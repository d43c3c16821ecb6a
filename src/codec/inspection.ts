/**
 * Checks data before it is written and accepts only data that provably comes back equal, object identity included.
 *
 * The proof is by shape: each kind accepted here is one that superjson restores, so no event has to be decoded again to
 * be sure. The walk also counts a lower bound of the document's size, and stops as soon as that exceeds the limit.
 */

import { types } from 'node:util'

import { visitCustom } from './customs.ts'
import { extraProperty, isLeaf, refuseExtraProperties, symbolKey, visitLeaf } from './leaf-kinds.ts'
import { MAX_BIGINT_DIGITS, MAX_DEPTH, isDangerousKey } from './limits.ts'
import { type Place, causeOf, elementOf, mapKeyOf, mapValueOf, propertyOf, setElementOf, theData } from './place.ts'
import { grouped, reasonAgainst } from './refuse.ts'
import { meetAgain } from './shared-references.ts'
import { type Limits, type Met, type Walk, annotate, beginWalk, grow, refuseHere } from './walk.ts'
import { builtInOf } from '../realm.ts'

export type Inspection = Pick<Walk, 'plain' | 'foreign' | 'shared' | 'customs'>

export function inspect(data: unknown, limits: Limits): Inspection {
  const walk = beginWalk(limits)
  visit(walk, data, theData)
  return walk
}

function visit(walk: Walk, value: unknown, place: Place): void {
  switch (typeof value) {
    case 'string':
      return grow(walk, value.length + 2)
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? grow(walk, 1) : annotate(walk, place, 4)
    case 'boolean':
      return grow(walk, 4)
    case 'undefined':
      return annotate(walk, place, 4)
    case 'bigint':
      if (value >= bigintLimit || value <= -bigintLimit) refuseHere(walk, place, tooManyDigits)
      return annotate(walk, place, 3)
    case 'function':
      return refuseHere(walk, place, 'is a function, which is code, not data. Publish what it returns.')
    case 'symbol':
      return refuseHere(walk, place, 'is a symbol, which means nothing in another process. Use a string.')
    case 'object':
      return value === null ? grow(walk, 4) : visitObject(walk, value, place)
  }
}

const bigintLimit = 10n ** BigInt(MAX_BIGINT_DIGITS)
const tooManyDigits = `is a bigint of more than ${grouped(MAX_BIGINT_DIGITS)} digits. Publish a reference to it.`
const tooDeep = `is more than ${MAX_DEPTH} levels deep. Publish flatter data.`

function visitObject(walk: Walk, value: object, place: Place): void {
  if (place.depth >= MAX_DEPTH) refuseHere(walk, place, tooDeep)
  const before = walk.met.get(value)
  if (before) return meetAgain(walk, before, place)

  const { bytes, exposed } = walk
  const met: Met = { place, bytes: undefined, exposed: 0 }
  walk.met.set(value, met)
  visitContent(walk, value, place)
  met.bytes = walk.bytes - bytes
  met.exposed = walk.exposed - exposed
}

function visitContent(walk: Walk, value: object, place: Place): void {
  if (types.isProxy(value)) return refuseHere(walk, place, reasonAgainst(value))
  if (walk.limits.codecs.length > 0 && visitCustom(walk, value, place)) return

  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return visitProperties(walk, value, place)
  if (prototype === Array.prototype && Array.isArray(value)) return visitElements(walk, value, place)
  if (prototype === Map.prototype && types.isMap(value)) return visitMap(walk, value, place)
  if (prototype === Set.prototype && types.isSet(value)) return visitSet(walk, value, place)
  if (prototype === Error.prototype && types.isNativeError(value)) return visitError(walk, value, place)
  return isLeaf(prototype) ? visitLeaf(walk, value, place) : visitForeign(walk, value, place)
}

/** Recognises built-in objects of any realm by the name of their class. Fake timers, too, have a `Date` of their own. */
function visitForeign(walk: Walk, value: object, place: Place): void {
  walk.foreign = true
  const name = builtInOf(Object.getPrototypeOf(value))
  if (name === 'Object') return visitProperties(walk, value, place)
  if (name === 'Array' && Array.isArray(value)) return visitElements(walk, value, place)
  if (name === 'Map' && types.isMap(value)) return visitMap(walk, value, place)
  if (name === 'Set' && types.isSet(value)) return visitSet(walk, value, place)
  if (name === 'Error' && types.isNativeError(value)) return visitError(walk, value, place)
  return visitLeaf(walk, value, place, name)
}

function visitProperties(walk: Walk, object: object, place: Place): void {
  grow(walk, 1)
  for (const key of Reflect.ownKeys(object)) {
    if (typeof key === 'symbol') return refuseHere(walk, place, symbolKey(key))
    grow(walk, key.length + 4)
    const property = propertyOf(place, key)
    if (isDangerousKey(key)) refuseHere(walk, property, 'has a key that can harm the reader. Rename it.')
    visit(walk, plainPropertyValue(walk, object, property), property)
  }
  if (isDisguised(object)) refuseHere(walk, place, 'is more than a plain object, and would be less. Publish a copy.')
}

function plainPropertyValue(walk: Walk, object: object, property: Place): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(object, property.key)
  if (!descriptor) return refuseHere(walk, property, 'disappeared while it was read.')
  if (descriptor.get || descriptor.set) refuseHere(walk, property, accessor)
  if (!descriptor.enumerable) refuseHere(walk, property, 'is not enumerable, and would be lost. Define it as usual.')
  return descriptor.value
}

const accessor = 'is a getter, which can answer differently each time. Publish its value.'

/** True for a Date or a Map, say, whose prototype was replaced. Called after symbol keys are refused: one could change `toString`. */
function isDisguised(object: object): boolean {
  if (Object.prototype.toString.call(object) !== '[object Object]') return true
  return types.isMap(object) || types.isSet(object) || ArrayBuffer.isView(object)
}

function visitElements(walk: Walk, array: readonly unknown[], place: Place): void {
  const { length } = array
  grow(walk, 1)
  for (let index = 0; index < length; index += 1) {
    const element = elementOf(place, index)
    if (!Object.hasOwn(array, index)) refuseHere(walk, place, sparse)
    grow(walk, 1)
    visit(walk, plainPropertyValue(walk, array, element), element)
  }
  if (Reflect.ownKeys(array).length !== length + 1) refuseExtraOfArray(walk, array, place)
}

const sparse = 'is a sparse array, whose holes would be filled. Use null or undefined in their place.'

function refuseExtraOfArray(walk: Walk, array: readonly unknown[], place: Place): never {
  const extra = Reflect.ownKeys(array)
    .slice(array.length)
    .find((key) => key !== 'length')
  if (typeof extra === 'string') return refuseHere(walk, propertyOf(place, extra), extraProperty)
  return refuseHere(walk, place, symbolKey(extra ?? Symbol()))
}

function visitMap(walk: Walk, map: ReadonlyMap<unknown, unknown>, place: Place): void {
  if (map.size > 0 && place.depth + 1 >= MAX_DEPTH) refuseHere(walk, place, tooDeep)
  refuseExtraProperties(walk, map, place)

  const { exposed } = walk
  let row = 0
  for (const [key, value] of map) {
    grow(walk, 4)
    visit(walk, key, mapKeyOf(place, row))
    visit(walk, value, mapValueOf(place, row, key))
    row += 1
  }
  walk.exposed = exposed
  annotate(walk, place, 1)
}

function visitSet(walk: Walk, set: ReadonlySet<unknown>, place: Place): void {
  refuseExtraProperties(walk, set, place)

  const { exposed } = walk
  let row = 0
  for (const element of set) {
    grow(walk, 1)
    visit(walk, element, setElementOf(place, row))
    row += 1
  }
  walk.exposed = exposed
  annotate(walk, place, 1)
}

/** Name, message and cause come back; the stack does not, because it means nothing where the event is handled. */
function visitError(walk: Walk, error: Error, place: Place): void {
  refuseExtraProperties(walk, error, place, ['name', 'message', 'stack', 'cause'])
  const { exposed } = walk
  visitText(walk, error, propertyOf(place, 'name'))
  visitText(walk, error, propertyOf(place, 'message'))
  if (Object.hasOwn(error, 'cause')) {
    const cause = causeOf(place)
    visit(walk, plainErrorProperty(walk, error, cause), cause)
  }
  walk.exposed = exposed
  annotate(walk, place, '{"name":,"message":}'.length)
}

function visitText(walk: Walk, error: Error, property: Place): void {
  if (!Object.hasOwn(error, property.key)) return
  const text = plainErrorProperty(walk, error, property)
  if (typeof text !== 'string') return refuseHere(walk, property, 'is not a string, as it must be in an Error.')
  grow(walk, text.length + 2)
}

function plainErrorProperty(walk: Walk, error: Error, property: Place): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(error, property.key)
  if (descriptor?.get || descriptor?.set) refuseHere(walk, property, accessor)
  return descriptor?.value
}
