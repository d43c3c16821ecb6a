/** Which event ids were published before: in memory, what the database knows by a unique index. */
import type { PlannedEvent } from '../publishing/backend.ts'
import { countReceivers } from '../handlers/finishers.ts'
import type { PublishedEvent } from '../events/publish-result.ts'

/** A seed script may publish for hours: ids older than this many are forgotten. */
const MOST = 100_000

export class RememberedIds {
  readonly #ids = new Set<string>()

  /** Takes up the events that are new. The others are duplicates. */
  take(events: readonly PlannedEvent[]): readonly PlannedEvent[] {
    const fresh = events.filter(({ envelope }) => !this.#ids.has(envelope.id) && this.#ids.add(envelope.id))
    for (const oldest of this.#ids) {
      if (this.#ids.size <= MOST) break
      this.#ids.delete(oldest)
    }
    return fresh
  }

  /** Gives events back whose publish failed: like a transaction that was rolled back, it left nothing. */
  forget(events: readonly PlannedEvent[]): void {
    for (const { envelope } of events) this.#ids.delete(envelope.id)
  }
}

/** What `publish` returns: the deliveries of the fresh ones, and that the others are duplicates. */
export function resultsOf(events: readonly PlannedEvent[], fresh: readonly PlannedEvent[]): readonly PublishedEvent[] {
  const isFresh = new Set(fresh)
  return events.map((planned) => {
    const { id } = planned.envelope
    if (!isFresh.has(planned)) return { id, deliveries: 0, duplicate: true }
    return { id, deliveries: countReceivers(planned.handlers), duplicate: false }
  })
}
