/** Records which events are in their handlers here, for each shard, also for shards that are no longer ours. */
import type { Entry, Shard } from './shard.ts'

export class InFlight {
  /** The shards with running events, and some that had running events before. */
  readonly #shards = new Set<Shard>()

  add(entry: Entry): void {
    const { shard } = entry
    if (shard.inFlight.size === 0) this.#shards.add(shard)
    shard.inFlight.add(entry)
  }

  delete(entry: Entry): void {
    entry.shard.inFlight.delete(entry)
  }

  /** Whether there is anything of this shard, by this or an earlier ownership. */
  hasAnyOf(shard: Shard): boolean {
    for (const one of this.#shards) {
      if (one.inFlight.size === 0) this.#shards.delete(one)
      else if (one.handling === shard.handling && one.cursor.shard === shard.cursor.shard) return true
    }
    return false
  }
}
