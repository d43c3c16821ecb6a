/** What holds for the events of one publish taken together, in every backend. */
import type { PlannedEvent } from './backend.ts'
import { PostbusError } from '../errors.ts'

/** jsonb holds 256 MiB. A larger batch would be refused by the database, and so abort the caller's transaction. */
const MAX_BATCH_BYTES = 200 * 1_048_576

/** The first event of each id: one that stands twice in a list is stored once. */
export function firstOfEachId(events: readonly PlannedEvent[]): readonly PlannedEvent[] {
  const seen = new Set<string>()
  return events.filter(({ envelope }) => !seen.has(envelope.id) && seen.add(envelope.id))
}

/** @throws {PostbusError} `POSTBUS_TOO_LARGE` for more than one publish can carry. */
export function checkBatchSize(events: readonly PlannedEvent[]): void {
  const bytes = events.reduce((sum, { payload }) => sum + Buffer.byteLength(payload), 0)
  if (bytes <= MAX_BATCH_BYTES) return
  throw new PostbusError(
    'POSTBUS_TOO_LARGE',
    `The data of these ${events.length} events is ${Math.ceil(bytes / 1_048_576)} MiB, but one publish() carries at most ` +
      `${MAX_BATCH_BYTES / 1_048_576} MiB. Publish them in several calls; they may share a transaction.`,
  )
}
