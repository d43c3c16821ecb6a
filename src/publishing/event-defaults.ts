/** What a bus says about every event that does not say it itself: how long it is of interest, and what its id is made by. */
import { inspect } from 'node:util'
import { isStorableDate } from '../events/event-checks.ts'
import { isEventId } from '../events/event-id.ts'
import type { Envelope } from '../events/envelope.ts'
import { isIdOfOurs, rememberIds } from '../events/ids-of-ours.ts'
import { PostbusError } from '../errors.ts'

/** Returns the event with what it lacks. */
export type EventDefaults = (event: Envelope) => Envelope

export interface DefaultOptions {
  readonly ttlMs?: number | undefined
  readonly createId?: (() => string) | undefined
}

/** @throws {PostbusError} `POSTBUS_INVALID_EVENT`, when called, for an id that is no UUID or an expiry that cannot be stored. */
export function eventDefaults({ ttlMs, createId }: DefaultOptions): EventDefaults {
  if (ttlMs === undefined && createId === undefined) return (event) => event
  if (createId) rememberIds()
  /** By what an event and its copies share: a copy that is published again is the same event. */
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
