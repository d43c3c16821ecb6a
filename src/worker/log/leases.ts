/**
 * Decides which shards are this worker's: it beats every second, learns which other workers live, takes its share of each handler's shards,
 * and releases shards beyond its share.
 *
 *   another worker's count of beats has not moved for 8 s, by our clock ──► it is dead: its shards are free
 *   our own last answered beat was sent more than 6.4 s ago             ──► we begin nothing more: others may take us for dead
 *
 * If we missed a look or came late, all workers get the full time once more: the cause of our delay may have delayed the others too.
 */
import { performance } from '../../clock.ts'
import type { LogBeat, LogReader, LogStore } from '../../deliveries/log-reading.ts'
import { needsTransaction } from '../../handlers/transactional.ts'
import { type Handling, Shard } from './shard.ts'

export const BEAT_MS = 1_000
export const DEAD_AFTER_MS = 8_000
/** The share of that time in which we begin events. What begins at the end of it has the rest of the time to end. */
const OWN_SHARE = 0.8
const LONGEST_PAUSE_MS = 4_000
/** After this many deaths of owners in a row without progress, the next events of a shard go out as jobs. */
const SUSPECT_AFTER = 3

export interface LeaseParts {
  readonly store: Pick<LogStore, 'beat' | 'take' | 'lanesOf' | 'completedAfter'>
  readonly reader: string
  readonly handlings: readonly Handling[]
  /** A worker that has not beaten for this long is dead. */
  readonly deadAfterMs: number
  /** Called with a shard that is not ours any more. */
  onLost(shard: Shard): void
  /** Whether something of an earlier ownership of this shard still runs here. */
  isRunning(shard: Shard): boolean
}

interface Seen {
  readonly beat: number
  readonly since: number
}

export class Leases {
  readonly #parts: LeaseParts
  #seen = new Map<string, Seen>()
  #lookedAt = -Infinity
  #beatenAt = -Infinity
  /** Whether the worker stops: it takes no more shards then. */
  isStopping = false

  constructor(parts: LeaseParts) {
    this.#parts = parts
  }

  /** Whether no other worker can take us for dead yet. */
  get isFresh(): boolean {
    return performance.now() - this.#beatenAt < OWN_SHARE * this.#parts.deadAfterMs
  }

  /** Tells the others that we live, and learns what has changed. */
  async beat(): Promise<LogBeat> {
    const { store, reader, handlings } = this.#parts
    const sentAt = performance.now()
    const beat = await store.beat(
      reader,
      handlings.map(({ subscription }) => subscription.handler),
    )
    this.#dropLost(beat)
    this.#learn(beat)
    this.#beatenAt = sentAt
    const dead = this.#deadIn(beat.readers)
    if (!this.isStopping) {
      let taken = 0
      for (const handling of handlings) {
        this.#takeBack(handling, beat)
        taken += await this.#takeShare(handling, beat, dead)
      }
      if (taken > 0) await this.#lookAgain()
    }
    for (const handling of handlings) letGo(handling)
    for (const { shards } of handlings) for (const shard of shards.values()) await this.#makeReady(shard)
    return beat
  }

  #dropLost({ cursors }: LogBeat): void {
    const { reader, handlings, onLost } = this.#parts
    const ours = new Map(
      cursors.flatMap(({ handler, shard, owner, fence }) =>
        owner === reader ? [[`${handler} ${shard}`, fence] as const] : [],
      ),
    )
    for (const { shards } of handlings) {
      for (const shard of shards.values()) {
        const { handler, shard: number, fence } = shard.cursor
        if (ours.get(`${handler} ${number}`) !== fence) onLost(shard)
      }
    }
  }

  #learn({ handlers }: LogBeat): void {
    for (const handling of this.#parts.handlings) {
      const now = handlers.find(({ handler }) => handler === handling.subscription.handler)
      if (now) handling.subscription = now
    }
  }

  /** The number of shards may have changed between our heartbeat and the take: learn it before any of them is read. */
  async #lookAgain(): Promise<void> {
    const { store, reader, handlings } = this.#parts
    const beat = await store.beat(
      reader,
      handlings.map(({ subscription }) => subscription.handler),
    )
    this.#dropLost(beat)
    this.#learn(beat)
  }

  /** Returns the workers whose count of beats has not moved for so long that they are dead. */
  #deadIn(readers: readonly LogReader[]): readonly LogReader[] {
    const now = performance.now()
    const isLate = now - this.#lookedAt > LONGEST_PAUSE_MS
    this.#lookedAt = now
    const seen = new Map<string, Seen>()
    for (const { id, beat } of readers) {
      const before = this.#seen.get(id)
      seen.set(id, before && !isLate && before.beat === beat ? before : { beat, since: now })
    }
    this.#seen = seen
    return readers.filter(
      ({ id }) => id !== this.#parts.reader && now - (seen.get(id)?.since ?? now) >= this.#parts.deadAfterMs,
    )
  }

  /** Takes back cursors that are ours but were dropped here: an operator moved them, or the server crashed. We read on from their positions. */
  #takeBack(handling: Handling, { cursors }: LogBeat): void {
    const { reader } = this.#parts
    for (const { owner, ...cursor } of cursors) {
      const isOurs = owner === reader && cursor.handler === handling.subscription.handler
      if (isOurs && !handling.shards.has(cursor.shard))
        handling.shards.set(cursor.shard, new Shard(handling, cursor, SUSPECT_AFTER))
    }
  }

  /** Returns the number of shards that were taken. */
  async #takeShare(handling: Handling, { cursors, readers }: LogBeat, dead: readonly LogReader[]): Promise<number> {
    const { reader, store } = this.#parts
    const name = handling.subscription.handler
    const others = readers.filter(({ id, handlers }) => id !== reader && handlers.includes(name) && !isIn(dead, id))
    const share = Math.ceil(handling.subscription.shards / (others.length + 1))
    const kept = [...handling.shards.values()].filter(({ isReleasing }) => !isReleasing)
    for (const shard of kept.slice(share)) shard.isReleasing = true
    const free = cursors.filter(({ handler, owner }) => handler === name && (owner === null || isIn(dead, owner)))
    const wanted = Math.min(share - kept.length, free.length)
    const isAnyDead = dead.some(({ handlers }) => handlers.includes(name))
    if (wanted <= 0 && !isAnyDead) return 0 // the shards of a dead worker are freed in any case
    const taken = await store.take(reader, name, Math.max(0, wanted), dead)
    for (const cursor of taken) {
      const shard = new Shard(handling, cursor, SUSPECT_AFTER)
      shard.isReleasing = this.isStopping // the worker may have begun to stop since we asked
      handling.shards.set(cursor.shard, shard)
    }
    return taken.length
  }

  /** Asks which keys have deliveries in their lanes. This statement comes after the take, so it sees all that the shard's last owner wrote. */
  async #makeReady(shard: Shard): Promise<void> {
    const { store, isRunning } = this.#parts
    const { handling } = shard
    if (shard.isReady || shard.isDropped || shard.isReleasing || isRunning(shard)) return
    const wanted = [...handling.shards.values()].filter((one) => !one.isReady && !isRunning(one))
    const of = handling.subscription.shards
    const keys = await store.lanesOf(handling.handler, { of, wanted: wanted.map((one) => one.cursor.shard) })
    for (const { name, shard: number } of keys) {
      const one = handling.shards.get(number)
      if (one && wanted.includes(one)) one.key(name).inLane = true
    }
    if (needsTransaction(handling.handler)) await this.#learnCompleted(handling, wanted)
    for (const one of wanted) one.isReady = true
  }

  /** Asks once for all events that the last owner may have completed. A transaction that has not ended yet is met when its event is run. */
  async #learnCompleted({ subscription }: Handling, wanted: readonly Shard[]): Promise<void> {
    const after = Math.min(...wanted.map(({ acknowledged }) => acknowledged))
    const completed = new Set(await this.#parts.store.completedAfter(subscription.handler, after))
    for (const one of wanted) one.completed = completed
  }
}

/** Releases shards of a handler that is changing to deliveries, or to another number of shards. */
function letGo({ shards, subscription: { isReleasing, endsAt } }: Handling): void {
  for (const shard of shards.values()) {
    if (isReleasing || (endsAt !== null && shard.acknowledged >= endsAt)) shard.isReleasing = true
  }
}

function isIn(readers: readonly LogReader[], id: string): boolean {
  return readers.some((reader) => reader.id === id)
}
