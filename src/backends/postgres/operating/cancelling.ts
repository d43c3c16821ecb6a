/** Cancels an event that was published for later: see `functions/cancel.ts`. */
import { parseAct } from '../../../deliveries/acts.ts'
import type { Cancelling } from '../../../deliveries/cancelling.ts'
import { PostbusError } from '../../../errors.ts'
import { isEventId } from '../../../events/event-id.ts'
import { functionName } from '../functions/sql.ts'
import { calledIn, withoutTransaction } from './in-transaction.ts'
import type { OperatorParts } from './operating.ts'

export function cancelIn(parts: OperatorParts): Cancelling['cancel'] {
  return async (eventId, given) => {
    const { tx, rest } = withoutTransaction('cancel()', given)
    const { by, reason } = parseAct('cancel', rest)
    if (typeof eventId !== 'string' || !isEventId(eventId)) throw unknown(eventId)

    const text = `select ${functionName(parts.tables, 'cancel')}($1, $2, $3) as cancelled`
    const done = await calledIn(tx, parts, { text, values: [eventId, by, reason] })
    if (done === 'unknown') throw unknown(eventId)
    if (done === 'not-delayed') throw notDelayed(eventId)
    if (done === 'too-late') return { isCancelled: false, count: 0 }
    return { isCancelled: true, count: Number(done.split(' ')[1]) }
  }
}

function unknown(eventId: string): PostbusError {
  const why = 'it was never published, or its transaction has not committed'
  return new PostbusError('POSTBUS_NO_SUCH_EVENT', `cancel(): no event "${eventId}" is stored: ${why}.`)
}

function notDelayed(eventId: string): PostbusError {
  const mend = 'Only what is published with `delayMs` or `at` can be cancelled, until it is due.'
  return new PostbusError('POSTBUS_NOT_DELAYED', `cancel(): event ${eventId} was not published for later. ${mend}`)
}
