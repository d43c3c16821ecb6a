/** Records which events are in their handlers here, for each shard, also for shards that are no longer ours. */
import type { Entry, Shard } from './shard.ts'

export class InFlight {
  readonly #counts = new Map<string, number>()
  readonly #entries = new Set<Entry>()

  add(entry: Entry): void {
    this.#entries.add(entry)
    this.#count(entry.shard, 1)
  }

  delete(entry: Entry): void {
    this.#entries.delete(entry)
    this.#count(entry.shard, -1)
  }

  /** Whether there is anything of this shard, by this or an earlier ownership. */
  hasAnyOf(shard: Shard): boolean {
    return (this.#counts.get(nameOf(shard)) ?? 0) > 0
  }

  /** Returns the entries of this ownership. */
  of(shard: Shard): readonly Entry[] {
    return [...this.#entries].filter((entry) => entry.shard === shard)
  }

  #count(shard: Shard, by: 1 | -1): void {
    const name = nameOf(shard)
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by)
    shard.running += by
  }
}

function nameOf({ handling, cursor }: Shard): string {
  return `${handling.handler.name} ${cursor.shard}`
}
