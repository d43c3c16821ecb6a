/** Checks at the door that `publish` is given events. */
import { types } from 'node:util'
import type { Envelope } from '../events/envelope.ts'
import { PostbusError } from '../errors.ts'
import { checkPartitionKey, checkText, isStorableDate } from '../events/event-checks.ts'
import { isPlainObject } from '../realm.ts'
import { isEventId } from '../events/event-id.ts'
import { checkName } from '../names.ts'

/**
 * A published object must come from an event type. The compiler accepts one made by hand, or a changed copy, but its
 * fields were never checked. So all fields that Postgres could refuse are checked again: an error there would abort the
 * caller's transaction.
 */
export function checkEnvelope(event: Envelope): void {
  if (!looksLikeEvent(event)) throw notAnEvent(event)
  checkName(event.type, 'Event type', 'POSTBUS_INVALID_EVENT')
  checkPartitionKey(event.type, event.partitionKey)
  checkText(event.type, 'correlationId', event.correlationId ?? undefined)
  checkText(event.type, 'causationId', event.causationId ?? undefined)
  checkText(event.type, 'causedByHandler', event.causedByHandler ?? undefined)
  checkText(event.type, 'source', event.source ?? undefined)
}

function looksLikeEvent(event: Envelope): boolean {
  if (!isPlainObject(event) || !Object.isFrozen(event)) return false
  return (
    typeof event.id === 'string' &&
    isEventId(event.id) &&
    Number.isSafeInteger(event.version) &&
    isStorableDate(event.occurredAt) &&
    isDateOrNull(event.initializedAt) &&
    isDateOrNull(event.expiresAt) &&
    isPlainObject(event.metadata)
  )
}

function isDateOrNull(date: Date | null): boolean {
  return (date ?? null) === null || isStorableDate(date)
}

function notAnEvent(value: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_INVALID_EVENT',
    `publish() was given ${describe(value)}: expected an event made by calling its event type, such as OrderCreated({ … }).`,
  )
}

function describe(value: unknown): string {
  if (typeof value === 'function' && 'type' in value) return `the event type ${String(value.type)} itself`
  if (types.isPromise(value)) return 'a promise'
  return value === null ? 'null' : `a value of type ${typeof value}`
}
