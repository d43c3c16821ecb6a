/** Describes the event that an assertion looks for: an event type, and perhaps a part of its data or a predicate. */
import { inspect, types } from 'node:util'
import type { Envelope } from '../events/envelope.ts'
import { PostbusError } from '../errors.ts'
import type { AnyEventType } from '../handlers/listens-to.ts'
import { differencesOf, expectedInWords, type Difference } from './differences.ts'

export interface Expectation {
  readonly type: string
  readonly version: number
  readonly match: unknown
}

/** Checks at run time what only a compiler would have refused. */
export function expectation(caller: string, type: AnyEventType, match: unknown): Expectation {
  const given: unknown = type
  const isType = typeof given === 'function' && 'type' in given && 'version' in given
  if (isType) return { type: type.type, version: type.version, match }
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    `${caller}(): expected an event type, what defineEvent(…) returns, but got ${inspect(given, { depth: 0 })}.`,
  )
}

export function meets(event: Envelope, expected: Expectation): boolean {
  if (event.type !== expected.type || event.version !== expected.version) return false
  const { match } = expected
  return isPredicate(match) ? answer(match, event) : differencesFrom(expected, event).length === 0
}

/** Lists where an event's data is not what was expected. */
export function differencesFrom({ match }: Expectation, event: Envelope): readonly Difference[] {
  return match === undefined || isPredicate(match) ? [] : differencesOf(match, event.data)
}

/** `"orders.order-created" matching { total: 42 }` */
export function expectationInWords({ type, version, match }: Expectation): string {
  const name = version === 1 ? `"${type}"` : `"${type}" (version ${version})`
  if (match === undefined) return name
  if (isPredicate(match)) return `${name} for which ${match.name || 'the predicate'} is true`
  return `${name} matching ${expectedInWords(match)}`
}

export function isPredicate(match: unknown): match is (event: Envelope) => unknown {
  return typeof match === 'function'
}

function answer(predicate: (event: Envelope) => unknown, event: Envelope): boolean {
  const said = predicate(event)
  if (!types.isPromise(said)) return Boolean(said)
  said.catch(() => undefined) // the refusal below is the error to see
  throw new PostbusError(
    'POSTBUS_INVALID_OPTIONS',
    'The predicate of an event assertion answered with a promise, which is always true. Make it synchronous.',
  )
}
