/**
 * Finds out the kind of a value, also when it comes from another realm. A test runner's vm context has its own `Object` and `Error`, and fake timers
 * have their own `Date`. `instanceof` and comparisons of prototypes fail for their values, although these behave the same.
 */
import { types } from 'node:util'

/** An object literal, or an object without a prototype. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || isRootOfRealm(prototype)
}

export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error || isDomException(value)
}

/** One error that holds several, such as the error of a host that was tried at each of its addresses. */
export function isAggregateError(value: unknown): value is AggregateError {
  return isError(value) && value.name === 'AggregateError' && 'errors' in value && Array.isArray(value.errors)
}

/**
 * The name of the built-in class that has this prototype, in any realm, or undefined. It is `Date` also for a fake `Date`:
 * fake timers have a class with its own `now`. Reads no property that could run the caller's code.
 */
export function builtInOf(prototype: unknown): string | undefined {
  const constructor = constructorOf(prototype)
  if (constructor === undefined) return undefined
  if (constructor === globalThis.Date || typeof ownValue(constructor, 'now') === 'function') return 'Date'
  const name = ownValue(constructor, 'name')
  if (name !== 'URL' && !isNative(constructor)) return undefined // in Node, URL is written in JavaScript
  return typeof name === 'string' ? name : undefined
}

/** `Object.prototype` of another realm. */
function isRootOfRealm(prototype: unknown): boolean {
  if (types.isProxy(prototype) || Object.getPrototypeOf(prototype) !== null) return false
  return builtInOf(prototype) === 'Object'
}

function isDomException(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false
  return Object.prototype.toString.call(value) === '[object DOMException]'
}

function constructorOf(prototype: unknown): object | undefined {
  if (typeof prototype !== 'object' || prototype === null || types.isProxy(prototype)) return undefined
  const constructor = ownValue(prototype, 'constructor')
  if (typeof constructor !== 'function' || types.isProxy(constructor)) return undefined
  return ownValue(constructor, 'prototype') === prototype ? constructor : undefined
}

function ownValue(object: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value
}

function isNative(constructor: object): boolean {
  return Function.prototype.toString.call(constructor).endsWith('{ [native code] }')
}
