/** The defaults of a bus for fields that an event leaves out: when it expires, and the function that makes its id. */
import { inspect } from 'node:util'
import { isStorableDate } from '../events/event-checks.ts'
import { isEventId } from '../events/event-id.ts'
import type { Envelope } from '../events/envelope.ts'
import { isIdOfOurs, rememberIds } from '../events/ids-of-ours.ts'
import { PostbusError } from '../errors.ts'

/** Returns the event with the missing fields filled in. */
export type EventDefaults = (event: Envelope) => Envelope

export interface DefaultOptions {
  readonly ttlMs?: number | undefined
  readonly createId?: (() => string) | undefined
}

/**
 * @throws {PostbusError} `POSTBUS_INVALID_EVENT`: the returned function throws it for an id that is not a UUID, or an expiry
 * that cannot be stored.
 */
export function eventDefaults({ ttlMs, createId }: DefaultOptions): EventDefaults {
  if (ttlMs === undefined && createId === undefined) return (event) => event
  if (createId) rememberIds()
  /** Keyed by the `occurredAt` object that an event and its copies share: a copy that is published again is the same event. */
  const ids = new WeakMap<Date, string>()

  function idOf(event: Envelope): string {
    if (createId === undefined || !isIdOfOurs(event)) return event.id
    const id = ids.get(event.occurredAt) ?? checkedId(event.type, createId())
    ids.set(event.occurredAt, id)
    return id
  }

  function expiryOf(event: Envelope): Date | null {
    if (event.expiresAt !== null || ttlMs === undefined) return event.expiresAt
    const expiresAt = new Date(event.occurredAt.getTime() + ttlMs)
    if (isStorableDate(expiresAt)) return expiresAt
    throw invalid(event.type, `it would expire after the year 9999, by the \`ttlMs\` of the bus.`)
  }

  return (event) => Object.freeze({ ...event, id: idOf(event), expiresAt: expiryOf(event) })
}

function checkedId(type: string, id: unknown): string {
  if (typeof id === 'string' && isEventId(id)) return id.toLowerCase()
  throw invalid(type, `\`createId\` of the bus returned ${inspect(id)}: expected a UUID.`)
}

function invalid(type: string, problem: string): PostbusError {
  return new PostbusError('POSTBUS_INVALID_EVENT', `${type}: ${problem}`)
}
