/** A delivery that is stored nowhere, for a handler that is called inside `publish` or alone in a test. */
import { createHash } from 'node:crypto'
import type { ClaimedDelivery, StoredEvent } from '../deliveries/delivery.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import { storedName } from '../names.ts'

export function unstoredDelivery(handler: AnyHandler, event: StoredEvent, attempt: number): ClaimedDelivery {
  return {
    id: deliveryId(event.id, storedName(handler.name, handler.previousNames)),
    queue: handler.options.queue,
    handler: handler.name,
    claim: 0,
    attempt,
    event,
    behind: [],
  }
}

/** As in the database, the id is the same for every attempt, and different for each event and each handler. */
function deliveryId(eventId: string, handler: string): string {
  const hex = createHash('sha256').update(`${eventId} ${handler}`).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
