/** The mailbox backend: remembers what is published, and calls no handler. */
import type { Backend } from '../publishing/backend.ts'
import type { Codec } from '../codec/codec.ts'
import type { Envelope } from '../events/envelope.ts'
import { checkBatchSize, firstOfEachId } from '../publishing/batch.ts'
import { decodedCopy } from './decoded-copy.ts'
import { openTransaction } from '../transactions/open-transaction.ts'
import { resultsOf, type RememberedIds } from './remembered-ids.ts'

export interface MailboxParts {
  readonly codec: Codec
  readonly ids: RememberedIds
  /** Keeps one event: its frozen, decoded copy. */
  keep(event: Envelope): void
  /** The same for a broadcast event. Default: broadcast events are not kept. */
  keepBroadcast?(event: Envelope): void
}

/**
 * Refuses what the Postgres backend would refuse before it sends SQL. It cannot see whether a transaction commits: an event
 * that was published in a rolled-back transaction is remembered too.
 */
export function createMailboxBackend({ codec, ids, keep, keepBroadcast }: MailboxParts): Backend {
  return {
    callsNobody: true,
    async publish(events, tx) {
      if (tx !== undefined) openTransaction(tx)
      checkBatchSize(firstOfEachId(events))
      const fresh = ids.take(events)
      for (const planned of fresh) keep(decodedCopy(planned, codec))
      return resultsOf(events, fresh)
    },
    async broadcast(events, tx) {
      if (tx !== undefined) openTransaction(tx)
      checkBatchSize(events)
      for (const planned of events) keepBroadcast?.(decodedCopy(planned, codec))
    },
    hear: async () => async () => undefined, // no listener is called
    check: async () => undefined,
    close: async () => undefined,
  }
}
