/** Counts the deliveries that the filters of handlers have prevented in this process. */
import type { AnyHandler } from '../handlers/handler.ts'

export class FilteredCounts {
  readonly #counts = new Map<string, number>()

  /** Counts each handler that listens to an event but is not in `interested`. */
  count(listening: readonly AnyHandler[], interested: readonly AnyHandler[]): void {
    if (listening.length === interested.length) return
    const wanted = new Set(interested)
    for (const handler of listening) {
      if (!wanted.has(handler)) this.#counts.set(handler.name, (this.#counts.get(handler.name) ?? 0) + 1)
    }
  }

  /** The counts by the names of handlers. A handler whose filter has prevented nothing is left out. */
  counts(): Readonly<Record<string, number>> {
    return Object.freeze(Object.fromEntries(this.#counts))
  }
}
