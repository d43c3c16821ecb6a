/**
 * Whether an instance of a class holds all its state in properties, so that copying the properties copies the instance.
 * Private fields cannot be seen from outside, but the source text of the class shows them.
 */
import { builtInOf } from '../realm.ts'

/** Built-in classes whose instances can be copied, and the classes that extend them. */
const BASES = new Set(
  (
    'Object Array Date Map Set RegExp ArrayBuffer Error AggregateError EvalError RangeError ReferenceError SyntaxError ' +
    'TypeError URIError TypedArray Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array ' +
    'Float32Array Float64Array'
  ).split(' '),
)

/** `#cents`, and its compiled form for older targets: a WeakMap with the instance as its key. */
const HIDES = /#[\p{ID_Start}$_]|\.(?:set|add)\(this\b|_classPrivate|_checkPrivate/u

/** Remembers the result, because reading a class takes longer than copying an instance. */
const known = new WeakMap<object, boolean>()

export function isOpenClass(prototype: object): boolean {
  const found = known.get(prototype) ?? areOpen(prototype)
  known.set(prototype, found)
  return found
}

/** The class, and every class that it extends. */
function areOpen(start: object): boolean {
  for (
    let prototype: object | null = start;
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype) as object
  ) {
    const base = builtInOf(prototype)
    if (base !== undefined) return BASES.has(base)
    const source = sourceOf(prototype)
    if (source !== null && (HIDES.test(source) || source.endsWith('{ [native code] }'))) return false
  }
  return true
}

/** Returns `null` for an object that is used as a prototype without a class. */
function sourceOf(prototype: object): string | null {
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
  return typeof constructor === 'function' ? Function.prototype.toString.call(constructor) : null
}
