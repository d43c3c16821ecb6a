/** Lists how a value differs from the part of it that was expected; it matches if nothing differs. */
import { inspect, isDeepStrictEqual } from 'node:util'
import { isPlainObject } from '../realm.ts'
import { ownCopy } from '../events/own-copy.ts'
import { dataInWords } from './data-in-words.ts'
import type { AsymmetricMatcher } from './match.ts'

export interface Difference {
  /** Such as `lines[0].sku`; empty for the data as a whole. */
  readonly path: string
  readonly expected: unknown
  readonly got: unknown
}

/** Compares copies, because all objects in a copy are of this realm's classes, and their Dates are real ones. */
export function differencesOf(expected: unknown, got: unknown, path = ''): readonly Difference[] {
  if (isMatcher(expected)) return expected.asymmetricMatch(got) ? [] : [{ path, expected, got }]
  if (Array.isArray(expected) && Array.isArray(got) && expected.length === got.length) {
    return expected.flatMap((item, index) => differencesOf(item, got[index], `${path}[${index}]`))
  }
  if (isPlainObject(expected) && isPlainObject(got)) {
    return Object.keys(expected).flatMap((key) => differencesOf(expected[key], got[key], path ? `${path}.${key}` : key))
  }
  return isDeepStrictEqual(ownCopy(expected), ownCopy(got)) ? [] : [{ path, expected, got }]
}

/** The received value with the expected part put into it. A diff with the received value then shows only the differences. */
export function withExpected(expected: unknown, got: unknown): unknown {
  if (differencesOf(expected, got).length === 0) return got
  if (Array.isArray(expected) && Array.isArray(got) && expected.length === got.length) {
    return expected.map((item, index) => withExpected(item, got[index]))
  }
  if (!isMatcher(expected) && isPlainObject(expected) && isPlainObject(got)) {
    const changed = Object.keys(expected).map((key) => [key, withExpected(expected[key], got[key])] as const)
    return { ...got, ...Object.fromEntries(changed) }
  }
  return expected
}

/** `total: expected 42, got 41` */
export function differenceInWords({ path, expected, got }: Difference): string {
  return `${path || 'data'}: expected ${expectedInWords(expected)}, got ${dataInWords(got)}`
}

/** Prints the expected value, with matchers as their test runner names them. */
export function expectedInWords(expected: unknown): string {
  return dataInWords(printable(expected))
}

function printable(value: unknown): unknown {
  if (isMatcher(value)) return { [inspect.custom]: () => matcherInWords(value) }
  if (Array.isArray(value)) return value.map(printable)
  if (!isPlainObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, printable(inner)]))
}

function matcherInWords(matcher: AsymmetricMatcher): string {
  const print: unknown = Reflect.get(matcher, 'toAsymmetricMatcher')
  return typeof print === 'function' ? String(Reflect.apply(print, matcher, [])) : dataInWords(matcher)
}

function isMatcher(value: unknown): value is AsymmetricMatcher {
  if (typeof value !== 'object' || value === null) return false
  return typeof Reflect.get(value, 'asymmetricMatch') === 'function'
}
