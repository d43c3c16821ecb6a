/** Makes the delivery that an event from the log would have, so that an attempt can run it. */
import { openRest } from '../../attempt/open-envelope.ts'
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'
import { queueOfEvent } from '../../names.ts'
import type { Entry } from './shard.ts'

export interface ReadingParts {
  /** The id of the worker that reads. */
  readonly reader: string
  /** Returns the id that the delivery of the event to this handler has, or would have. */
  deliveryId(seq: string, handler: string): string
}

export function deliveryOf(
  { reader, deliveryId }: ReadingParts,
  { event, shard, isCompleted }: Entry,
): ClaimedDelivery {
  const { handling } = shard
  const { handler, subscription } = handling
  const replay = handling.replayOf(event)
  return {
    id: deliveryId(event.seq, subscription.handler),
    queue: queueOfEvent(handler, event.partitionKey),
    handler: handler.name,
    claim: 0,
    cursor: (shard.claim ??= { ...shard.cursor, reader }),
    attempt: 1,
    wasLost: isCompleted,
    event: replay === null ? event : { ...event, rest: JSON.stringify({ ...openRest(event), replay }) },
    behind: NONE,
  }
}

const NONE: readonly ClaimedDelivery[] = []
