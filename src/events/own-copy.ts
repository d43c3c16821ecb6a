/**
 * Makes a copy that shares no changeable object with the original. It copies objects, arrays, Maps, Sets, Dates, URLs, typed
 * arrays and plain instances of classes, at any depth, with their references to each other. Built-in objects of another
 * realm, or of fake timers, become objects of this realm. A copy has all properties of its original.
 *
 * Functions, Proxies, and objects with hidden state cannot be copied, and stay as they are.
 */
import { types } from 'node:util'
import { isMerelyPlain, shellOf } from './shell.ts'

/** Deeper data than this is refused when it is published, so it need not be copied. */
const MAX_DEPTH = 250

export interface CopyOptions {
  /** Freezes the copies of plain objects and of arrays. */
  readonly freeze?: boolean
  /** Objects to leave as they are. */
  leave?(value: object): boolean
}

export function ownCopy<Value>(value: Value, { freeze = false, leave = never }: CopyOptions = {}): Value {
  const copies = new Map<object, object>()

  function copied(given: unknown, depth: number): unknown {
    if (typeof given !== 'object' || given === null) return given
    const known = copies.get(given)
    if (known) return known
    if (depth > MAX_DEPTH || types.isProxy(given) || leave(given)) return given

    const prototype: unknown = Object.getPrototypeOf(given)
    if (prototype === Array.prototype && Array.isArray(given)) return elements(given, depth)
    if (prototype === Object.prototype) return properties(given, depth)
    return others(given, depth)
  }

  /** Plain objects here, and arrays below, take a short path, because this runs for every event. */
  function properties(given: object, depth: number): unknown {
    const copy: Record<string, unknown> = {}
    copies.set(given, copy)
    for (const key of Reflect.ownKeys(given)) {
      const descriptor = Object.getOwnPropertyDescriptor(given, key)
      if (typeof key === 'symbol' || key === '__proto__' || !isUsual(descriptor)) return others(given, depth)
      const { value: inner }: { value?: unknown } = descriptor
      copy[key] = typeof inner === 'object' ? copied(inner, depth + 1) : inner
    }
    return isMerelyPlain(given) ? finished(copy) : others(given, depth)
  }

  function elements(given: readonly unknown[], depth: number): unknown {
    if (Reflect.ownKeys(given).length !== given.length + 1) return others(given, depth)
    const copy: unknown[] = []
    copies.set(given, copy)
    for (let index = 0; index < given.length; index += 1) {
      const descriptor = Object.getOwnPropertyDescriptor(given, index)
      if (!isUsual(descriptor)) return others(given, depth)
      copy.push(copied(descriptor.value, depth + 1))
    }
    return finished(copy)
  }

  function others(given: object, depth: number): unknown {
    const shell = shellOf(given)
    copies.set(given, shell ?? given)
    if (shell === undefined) return given
    copyProperties(given, shell, depth + 1)
    if (types.isMap(given)) copyEntries(given, shell as Map<unknown, unknown>, depth + 1)
    if (types.isSet(given)) copyElements(given, shell as Set<unknown>, depth + 1)
    return isPlain(shell) ? finished(shell) : shell
  }

  function finished(copy: object): object {
    return freeze ? Object.freeze(copy) : copy
  }

  /**
   * Copies all properties, also getters and non-enumerable ones, so that the codec refuses in the copy what it would refuse in
   * the original.
   */
  function copyProperties(from: object, to: object, depth: number): void {
    for (const key of Reflect.ownKeys(from)) {
      const descriptor = Object.getOwnPropertyDescriptor(from, key)
      if (!descriptor || isOfShell(to, key)) continue
      Object.defineProperty(to, key, withCopy(descriptor, depth))
    }
  }

  function withCopy(descriptor: PropertyDescriptor, depth: number): PropertyDescriptor {
    return 'value' in descriptor ? { ...descriptor, value: copied(descriptor.value, depth) } : descriptor
  }

  function copyEntries(from: ReadonlyMap<unknown, unknown>, to: Map<unknown, unknown>, depth: number): void {
    for (const [key, inner] of from) Map.prototype.set.call(to, copied(key, depth), copied(inner, depth))
  }

  function copyElements(from: ReadonlySet<unknown>, to: Set<unknown>, depth: number): void {
    for (const element of from) Set.prototype.add.call(to, copied(element, depth))
  }

  return copied(value, 0) as Value // the same data, in new objects
}

function isUsual(descriptor: PropertyDescriptor | undefined): descriptor is PropertyDescriptor {
  return descriptor?.enumerable === true && descriptor.get === undefined && descriptor.set === undefined
}

function isPlain(shell: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(shell)
  return prototype === Object.prototype || prototype === null || prototype === Array.prototype
}

/** Properties that the shell already has: an array's length, the bytes of a typed array. */
function isOfShell(shell: object, key: string | symbol): boolean {
  if (key === 'constructor') return types.isDate(shell) // fake timers give one to each of their Dates
  return Object.hasOwn(shell, key) && key !== 'lastIndex'
}

function never(): boolean {
  return false
}
