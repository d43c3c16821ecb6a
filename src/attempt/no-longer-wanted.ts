/** A delivery that comes too late: its event was cancelled, has expired, or its data was erased. No handler is called. */
import type { StoredEvent } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import type { Undecided } from './on-dead.ts'
import { isCancelled, openRest } from './open-envelope.ts'

/** Whether the event's data was erased and no handler may get the rest. */
export function isErased(event: StoredEvent): boolean {
  return event.rest !== null && openRest(event).redacted === 'dead-letter'
}

/** Returns what becomes of the attempt; `null` when the handler gets the event. */
export function noLongerWanted(event: StoredEvent): Undecided | null {
  if (event.rest === null) return null
  const rest = openRest(event)
  if (isCancelled(event)) return { is: 'cancelled', reason: 'The event was cancelled before it was due.' }
  if (rest.is_expired) return { is: 'expired', reason: `It expired at ${event.expiresAt?.toISOString()}.` }
  if (!isErased(event)) return null

  const reason = `The data of ${event.type} ${event.id} was erased before this handler had it. See \`metadata.redacted\` of the event.`
  // The key goes on, even with `onDead: 'block'`: there is nothing to mend.
  return { is: 'dead', reason, error: new PostbusError('POSTBUS_REDACTED', reason), onDead: 'continue' }
}
