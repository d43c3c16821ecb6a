/**
 * Upcasts turn data that older code has stored into data of the newest version. Each goes up one version.
 *
 *   stored, version 1 ──1──► version 2 ──2──► version 3 ──► checked by the schema of version 3
 *
 * They run when the event is opened for a handler; the stored data is not changed.
 */
import type { Envelope } from './envelope.ts'
import type { EventType } from './event-type.ts'
import { detailsOf, type Upcast } from './event-details.ts'
import { textOfError } from '../error-text.ts'
import { PostbusError } from '../errors.ts'
import { ownCopy } from './own-copy.ts'
import { types } from 'node:util'
import { validate } from './validate.ts'

/**
 * Upcasts by the version that they start from. The last one returns what the schema takes, and only its result is checked.
 * An upcast may pass any value to the next one.
 */
export type Upcasts<Version extends number, Input> =
  IsCounted<Version> extends true
    ? Version extends 1
      ? { readonly [from: number]: never }
      : { readonly [From in VersionsBefore<Version>]?: Upcast<From extends Before<Version> ? Input : unknown> }
    : { readonly [from: number]: Upcast }

/** The types count the versions before a version only up to 99. A version may be a date, such as 20260131. */
type IsCounted<Version extends number> = `${Version}` extends `${Digit}` | `${Digit}${Digit}` ? true : false
type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9

type VersionsBefore<
  Version extends number,
  Seen extends readonly unknown[] = [unknown],
  Found = never,
> = Seen['length'] extends Version ? Found : VersionsBefore<Version, [...Seen, unknown], Found | Seen['length']>

type Before<Version extends number, Seen extends readonly unknown[] = []> = [...Seen, unknown]['length'] extends Version
  ? Seen['length']
  : Before<Version, [...Seen, unknown]>

/**
 * Makes an upcast whose data has the type of the given event type; without it, the data is `unknown`. The data is what that
 * type's schema returned (if it was stored), or what the upcast before this one returned, which should be what the schema
 * takes.
 *
 * @example
 * const OrderCreated = defineEvent('orders.order-created', {
 *   version: 2,
 *   schema: z.object({ orderId: z.string(), cents: z.int() }),
 *   upcasts: { 1: upcast(OrderCreatedV1, ({ orderId, total }) => ({ orderId, cents: total * 100 })) },
 * })
 *
 * @throws {PostbusError} `POSTBUS_INVALID_EVENT` when it is called without an event type or a function.
 */
export function upcast<Input, Data, Result>(
  from: EventType<string, number, Input, Data>,
  to: (data: Data | Input) => Result,
): Upcast<Result> {
  if (typeof from === 'function' && 'version' in from && typeof to === 'function') {
    const step = (data: unknown): Result => to(data as Data | Input) // data that is stored under that type and version
    return Object.freeze(Object.assign(step, { from }))
  }
  throw new PostbusError(
    'POSTBUS_INVALID_EVENT',
    'upcast(): expected an event type and a function, such as upcast(OrderCreatedV1, (v1) => ({ … })).',
  )
}

/** Whether an event type has upcasts at all. */
export function hasUpcasts(type: EventType): boolean {
  return Object.keys(detailsOf(type).upcasts).length > 0
}

/** Returns the first version without an upcast, on the way from `version` to the version of the event type; `null`: none is missing. */
export function missingUpcast(type: EventType, version: number): number | null {
  const { upcasts } = detailsOf(type)
  for (let from = version; from < type.version; from += 1) if (!upcasts[from]) return from
  return null
}

/**
 * Returns the event in the event type's version. Pass data that nothing else uses: an upcast may change it.
 *
 * @throws {PostbusError} `POSTBUS_UPCAST_FAILED`, naming the upcast.
 */
export function upcasted(event: Envelope, type: EventType): Envelope {
  const { upcasts, schema } = detailsOf(type)
  let { data } = event
  for (let from = event.version; from < type.version; from += 1) data = stepUp(upcasts[from], { from, type, data })
  try {
    // A copy, because an upcast may return the same object for several events.
    return Object.freeze({ ...event, version: type.version, data: ownCopy(validate(type.type, schema, data)) })
  } catch (error) {
    const last = `${type.type}: what the upcast from version ${type.version - 1} returned is no data of version ${type.version}`
    throw failedWith(`${last}: ${textOfError(error)}`, error)
  }
}

interface Step {
  readonly from: number
  readonly type: EventType
  readonly data: unknown
}

function stepUp(step: Upcast | undefined, { from, type, data }: Step): unknown {
  const what = `${type.type}: the upcast from version ${from} to ${from + 1}`
  let next: unknown
  try {
    next = step?.(data)
  } catch (error) {
    throw failedWith(`${what} threw: ${textOfError(error)}`, error)
  }
  if (!types.isPromise(next)) return next
  next.catch(() => undefined) // the refusal below is the error to see
  throw failedWith(`${what} returned a promise. Make it synchronous: it has nothing to wait for.`)
}

function failedWith(problem: string, cause?: unknown): PostbusError {
  const mend = 'Mend the upcast and deploy it, then run: npx postbus dead retry'
  return new PostbusError('POSTBUS_UPCAST_FAILED', `${problem}\n${mend}`, { cause })
}

/** @throws {PostbusError} `POSTBUS_INVALID_EVENT` for an upcast that could never run, or starts from another event type. */
export function checkUpcasts(
  type: string,
  given: unknown,
  { version, names }: { readonly version: number; readonly names: readonly string[] },
): Readonly<Record<number, Upcast>> {
  if (given === undefined) return Object.freeze({})
  if (typeof given !== 'object' || given === null) {
    throw refused(type, '`upcasts` is no object: expected one such as { 1: (v1) => ({ … }) }.')
  }
  const entries = Object.entries(given).filter(([, step]) => step !== undefined)
  for (const [key, step] of entries as readonly (readonly [string, unknown])[]) {
    const from = Number(key)
    if (!/^[1-9]\d*$/.test(key) || from >= version) {
      throw refused(type, `it has an upcast from "${key}": expected versions from 1 to ${version - 1}, below its own.`)
    }
    if (typeof step !== 'function') throw refused(type, `its upcast from version ${key} is not a function.`)
    const { from: known } = step as Upcast
    if (known && (known.version !== from || !names.includes(known.type))) {
      const what = `its upcast from version ${key} was given ${known.type} version ${known.version}`
      throw refused(type, `${what}: expected version ${key} of ${names.join(' or ')}.`)
    }
  }
  return Object.freeze(Object.fromEntries(entries) as Record<number, Upcast>)
}

function refused(type: string, problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_EVENT', `${type}: ${problem}`)
}
