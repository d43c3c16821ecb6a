/** Asks a handler whether it is interested in an event from SQL: SQL publishes without the handlers' code, so no publisher has asked. */
import type { ClaimedDelivery, StoredEvent } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import type { Envelope } from '../events/envelope.ts'
import { isFromSql } from '../events/from-sql.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import type { ShadowEvent } from '../handlers/listens-to.ts'
import { isInterested } from '../handlers/registry.ts'
import type { Undecided } from './on-dead.ts'
import { openRest } from './open-envelope.ts'
import { dead, retryOrDead } from './outcome-of.ts'

const NOT_INTERESTED = 'The handler is not interested. The event is from SQL, so it was asked by a worker.'

/** Whether a handler of shadows must still be asked. Its claim came without the data, so the stored event says so. */
export function isUnasked(stored: StoredEvent): boolean {
  return stored.rest !== null && openRest(stored).is_unasked === true
}

/** Returns what becomes of the attempt; `null` when the handler gets the event. */
export function uninterestedIn(event: Envelope, delivery: ClaimedDelivery, handler: AnyHandler): Undecided | null {
  if (handler.interested === null || !isFromSql(event)) return null
  try {
    return isInterested(handler, event) ? null : { is: 'skipped', reason: NOT_INTERESTED }
  } catch (error) {
    return retryOrDead(delivery, handler, error)
  }
}

/** Does the same for a shadow: it fetches the data first. */
export async function uninterestedInShadow(
  shadow: ShadowEvent,
  delivery: ClaimedDelivery,
  handler: AnyHandler,
): Promise<Undecided | null> {
  try {
    return uninterestedIn(await shadow.fetch(), delivery, handler)
  } catch (error) {
    return error instanceof PostbusError ? dead(handler, error) : retryOrDead(delivery, handler, error)
  }
}
