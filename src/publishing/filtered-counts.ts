/** How many deliveries the filters of handlers have kept away, in this process. */
import type { AnyHandler } from '../handlers/handler.ts'

export class FilteredCounts {
  readonly #counts = new Map<string, number>()

  /** Of the handlers that listen to an event these were interested. Where all were, there is nothing to do. */
  count(listening: readonly AnyHandler[], interested: readonly AnyHandler[]): void {
    if (listening.length === interested.length) return
    const wanted = new Set(interested)
    for (const handler of listening) {
      if (!wanted.has(handler)) this.#counts.set(handler.name, (this.#counts.get(handler.name) ?? 0) + 1)
    }
  }

  /** By the names of the handlers; one whose filter has kept nothing away is not there. */
  counts(): Readonly<Record<string, number>> {
    return Object.freeze(Object.fromEntries(this.#counts))
  }
}
