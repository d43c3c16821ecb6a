/** Rules for all events of one publish together, in every backend. */
import type { PlannedEvent } from './backend.ts'
import { PostbusError } from '../errors.ts'

/** jsonb holds 256 MiB. The database would refuse a larger batch, and that would abort the caller's transaction. */
const MAX_BATCH_BYTES = 200 * 1_048_576

/** Returns the first event of each id: an event that is twice in a list is stored once. */
export function firstOfEachId(events: readonly PlannedEvent[]): readonly PlannedEvent[] {
  const seen = new Set<string>()
  return events.filter(({ envelope }) => !seen.has(envelope.id) && seen.add(envelope.id))
}

/** @throws {PostbusError} `POSTBUS_TOO_LARGE` for more data than one publish can carry. */
export function checkBatchSize(events: readonly PlannedEvent[]): void {
  const bytes = events.reduce((sum, { payload }) => sum + Buffer.byteLength(payload), 0)
  if (bytes <= MAX_BATCH_BYTES) return
  throw new PostbusError(
    'POSTBUS_TOO_LARGE',
    `The data of these ${events.length} events is ${Math.ceil(bytes / 1_048_576)} MiB, but one publish() carries at most ` +
      `${MAX_BATCH_BYTES / 1_048_576} MiB. Publish them in several calls; they may share a transaction.`,
  )
}
