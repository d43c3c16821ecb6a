import type { ClaimedDelivery, StoredEvent } from '../../../src/deliveries/delivery.ts'
import { createCodec } from '../../../src/codec/codec.ts'
import type { Envelope } from '../../../src/events/envelope.ts'

const codec = createCodec()

/** A claimed delivery, as the database returns it: the first attempt of `mail.receipt` at an event without a key. */
export function aDelivery(given: Partial<ClaimedDelivery> = {}): ClaimedDelivery {
  return {
    id: '00000000-0000-0001-0000-00000000000a',
    queue: 'events',
    handler: 'mail.receipt',
    claim: 0,
    attempt: 1,
    event: null,
    behind: [],
    ...given,
  }
}

/** An event, as it is read from its row. */
export function stored(event: Envelope, given: Partial<StoredEvent> = {}): StoredEvent {
  const { data, metadata, causedByHandler: _, initializedAt: __, ...rest } = event
  const text = { payload: codec.encode(data, event.type), metadata: JSON.stringify(metadata) }
  return { ...rest, seq: '1', ...text, rest: null, ...given }
}
