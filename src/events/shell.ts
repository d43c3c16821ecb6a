/** The first step of a copy: an object of the same class and with the same inner state, but without the properties. */
import { types } from 'node:util'
import { builtInOf } from '../realm.ts'
import { isOpenClass } from './open-class.ts'

/** Returns `undefined` for an object whose state cannot be copied. */
export function shellOf(given: object): object | undefined {
  const prototype: unknown = Object.getPrototypeOf(given)
  if (prototype === Object.prototype) return isMerelyPlain(given) ? {} : undefined
  if (prototype === null) return isMerelyPlain(given) ? (Object.create(null) as object) : undefined

  if (prototype === Date.prototype && types.isDate(given)) return new Date(given)
  const name = builtInOf(prototype)
  const shell = name === 'URL' ? sameUrl(given) : builtInShell(given)
  if (shell === undefined) return undefined
  const made: unknown = Object.getPrototypeOf(shell)
  if (made === prototype || (name !== undefined && name === builtInOf(made))) return shell
  return isOpenClass(prototype as object) ? Object.setPrototypeOf(shell, prototype as object) : undefined
}

/** Makes an instance of the built-in class. The caller sets the prototype of a class that extends it. */
function builtInShell(given: object): object | undefined {
  if (Array.isArray(given)) return Object.assign([], { length: given.length }) // the array may end with a hole
  if (types.isDate(given)) return new Date(Date.prototype.getTime.call(given))
  if (types.isMap(given)) return new Map()
  if (types.isSet(given)) return new Set()
  if (types.isRegExp(given)) return new RegExp(given.source, given.flags)
  if (types.isNativeError(given)) return Object.defineProperty(new Error(), 'stack', { value: given.stack })
  if (types.isArrayBuffer(given)) return given.slice(0)
  if (types.isTypedArray(given)) return sameBytes(given)
  return SLOTTED.some((is) => is(given)) ? undefined : {}
}

function sameUrl(given: object): object | undefined {
  try {
    return new URL(String(Reflect.get(given, 'href')))
  } catch {
    return undefined // its class is only named URL
  }
}

/** Shared memory is not copied: it is refused later. */
function sameBytes(given: NodeJS.TypedArray): object | undefined {
  if (types.isSharedArrayBuffer(given.buffer)) return undefined
  if (Buffer.isBuffer(given)) return Buffer.from(given)
  const made = makers.get(given[Symbol.toStringTag])
  return made?.(given.buffer.slice(given.byteOffset, given.byteOffset + given.byteLength))
}

const makers = new Map<string, (buffer: ArrayBuffer) => object>(
  [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ].map((TypedArray) => [TypedArray.name, (buffer) => new TypedArray(buffer)]),
)

/** Kinds of objects with inner state that no copy can reach. */
const SLOTTED: readonly ((value: object) => boolean)[] = [
  types.isPromise,
  types.isWeakMap,
  types.isWeakSet,
  types.isBoxedPrimitive,
  types.isGeneratorObject,
  types.isMapIterator,
  types.isSetIterator,
  types.isSharedArrayBuffer,
  types.isDataView,
  types.isModuleNamespaceObject,
  types.isArgumentsObject,
  types.isExternal,
]

/**
 * Returns `false` for a Map whose prototype was replaced, for example. An object with symbol keys could disguise its
 * kind, so it is not plain either; data with symbol keys is refused anyway.
 */
export function isMerelyPlain(given: object): boolean {
  if (types.isMap(given) || types.isSet(given) || ArrayBuffer.isView(given)) return false
  if (Object.getOwnPropertySymbols(given).length > 0) return false
  return Object.prototype.toString.call(given) === '[object Object]'
}
