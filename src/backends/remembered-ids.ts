/** Remembers in memory which event ids were published before. In Postgres a unique index does this. */
import type { PlannedEvent } from '../publishing/backend.ts'
import { countReceivers } from '../handlers/finishers.ts'
import type { PublishedEvent } from '../events/publish-result.ts'

/** A seed script may publish for hours: ids older than this many are forgotten. */
const MOST = 100_000

export class RememberedIds {
  readonly #ids = new Set<string>()

  /** Remembers the new events and returns them. The others are duplicates. */
  take(events: readonly PlannedEvent[]): readonly PlannedEvent[] {
    const fresh = events.filter(({ envelope }) => !this.#ids.has(envelope.id) && this.#ids.add(envelope.id))
    for (const oldest of this.#ids) {
      if (this.#ids.size <= MOST) break
      this.#ids.delete(oldest)
    }
    return fresh
  }

  /** Forgets events whose publish failed: like a rolled-back transaction, it left nothing behind. */
  forget(events: readonly PlannedEvent[]): void {
    for (const { envelope } of events) this.#ids.delete(envelope.id)
  }
}

/** The result of `publish`: the number of deliveries of each fresh event, and `duplicate` for the others. */
export function resultsOf(events: readonly PlannedEvent[], fresh: readonly PlannedEvent[]): readonly PublishedEvent[] {
  const isFresh = new Set(fresh)
  return events.map((planned) => {
    const { id } = planned.envelope
    if (!isFresh.has(planned)) return { id, deliveries: 0, duplicate: true }
    return { id, deliveries: countReceivers(planned.handlers), duplicate: false }
  })
}
