/** Ends a delivery that waited to be told how it ended: it was told, or its time is over. Its handler has run, and is not called for this claim. */
import type { ClaimedDelivery, StoredEvent } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import { openRest } from './open-envelope.ts'
import type { Undecided } from './on-dead.ts'
import { retryOrDead } from './outcome-of.ts'

/** Returns what becomes of the delivery; `null` when it has not waited, and its handler must be called. */
export function toldOrTimedOut(delivery: ClaimedDelivery, event: StoredEvent, handler: AnyHandler): Undecided | null {
  const awaited = event.rest === null ? null : openRest(event).awaited
  if (!awaited) return null
  const { as, reason = '' } = awaited
  if (as === 'done') return { is: 'done', result: undefined }
  if (as === 'skipped') return { is: 'skipped', reason }
  return retryOrDead(delivery, handler, as === 'failed' ? told(reason) : timedOut(handler))
}

function told(reason: string): PostbusError {
  return withoutStack(new PostbusError('POSTBUS_ATTEMPT_FAILED', reason))
}

function timedOut({ name }: AnyHandler): PostbusError {
  const problem = 'was not told in time how it ended: its `awaitCompletion` has timed out.'
  return withoutStack(new PostbusError('POSTBUS_COMPLETION_TIMEOUT', `"${name}" ${problem}`))
}

/** The stack would lead here, where nothing has failed. */
function withoutStack(error: PostbusError): PostbusError {
  delete (error as { stack?: string }).stack
  return error
}
