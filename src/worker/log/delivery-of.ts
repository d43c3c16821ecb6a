/** An event that was read, as an attempt takes it: the delivery that it would have. */
import { openRest } from '../../attempt/open-envelope.ts'
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'
import { queueOfEvent } from '../../names.ts'
import type { Entry } from './shard.ts'

export interface ReadingParts {
  /** Which worker reads. */
  readonly reader: string
  /** Names an event on its way to a handler. */
  deliveryId(seq: string, handler: string): string
}

export function deliveryOf(
  { reader, deliveryId }: ReadingParts,
  { event, shard, isCompleted }: Entry,
): ClaimedDelivery {
  const { handling, cursor } = shard
  const { handler, subscription } = handling
  const replay = handling.replayOf(event)
  return {
    id: deliveryId(event.seq, subscription.handler),
    queue: queueOfEvent(handler, event.partitionKey),
    handler: handler.name,
    claim: 0,
    cursor: { ...cursor, reader },
    attempt: 1,
    wasLost: isCompleted,
    event: replay === null ? event : { ...event, rest: JSON.stringify({ ...openRest(event), replay }) },
    behind: NONE,
  }
}

const NONE: readonly ClaimedDelivery[] = []
