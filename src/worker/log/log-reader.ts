/**
 * Reads the log, once for all handlers of a worker, and hands out what it reads to their shards.
 *
 *   how far is it final? ──► shards at the same place are read together ──► who is interested? ──► behind its lane, or to run
 *
 * After a read, we ask about keys that are in their lanes, if an event of theirs was read and everything that we put into the lane is written.
 * A key whose lane is empty goes back to the log. We ask only after the answers to all those writes, so the query sees all of them.
 */
import { performance } from '../../clock.ts'
import { NOTHING_KNOWN, type LogEvent, type LogLook, type LogStore } from '../../deliveries/log-reading.ts'
import { deliveredIn, isBelowFloor, isDelivered, type DeliveredTo } from './change-zone.ts'
import { Gate } from '../gate.ts'
import { payloadSize, ReadSize } from './read-size.ts'
import type { Handling, Key, Shard } from './shard.ts'

const FEWEST = 100
const MOST = 1_000
/** At most this many reads of a handler are in memory. */
const READS_AHEAD = 4
/** The longest stretch of the log for one statement, when few of its events are for us. */
const LONGEST_STRETCH = 20_000
/** If shards are no further apart than this, the ones ahead wait for the others. From then on, one read serves all of them. */
const NEAR = READS_AHEAD * MOST
/** The first and the longest wait before another look, while a publisher has taken a number and not committed. */
const FIRST_LOOK_MS = 2
const LAST_LOOK_MS = 50
/** The wait when there is no room. An acknowledgement makes room, and ends the wait. */
const NO_ROOM_MS = 50

export interface LogReaderParts {
  readonly store: Pick<LogStore, 'look' | 'read' | 'liveOf' | 'delivered'>
  readonly handlings: readonly Handling[]
  readonly pollMs: number
  /** The types that any handler listens to, as they are stored; `null`: they cannot be named. */
  readonly types: readonly string[] | null
  /** Whether this lane of a handler is paused: then its key does not go back to the log. */
  isLanePaused(handling: Handling, key: string): boolean
  add(shard: Shard, event: LogEvent, goesBehind: boolean): void
  /** Called when all events of a read are handed out. */
  onRead(): void
  /** Called when the server has crashed since the last look: the log may now differ from what was read and not acknowledged. */
  onCrash(): void
}

export class LogReading {
  readonly #parts: LogReaderParts
  readonly #news = new Gate()
  #look: LogLook = NOTHING_KNOWN
  #lookedAt = -Infinity
  #isAsked = true
  #lookAgainMs = FIRST_LOOK_MS
  readonly #size = new ReadSize({ fewest: FEWEST, most: MOST })
  #turn = 0

  constructor(parts: LogReaderParts) {
    this.#parts = parts
  }

  /** Identifies the life of the server in which the log was read. */
  get life(): string | null {
    return this.#look.life
  }

  /** There may be something to read. */
  wake(): void {
    this.#isAsked = true
    this.#news.open()
  }

  /** Something was acknowledged: there may be room again. */
  roomIsMade(): void {
    this.#news.open()
  }

  /** Reads once. Returns how long to wait for news before the next time; 0: there is more. */
  async step(): Promise<number> {
    const able = this.#able()
    if (able.length === 0) return NO_ROOM_MS
    if (this.#isLookDue(able)) await this.#lookOnce()
    const behind = able.filter(({ readTo }) => readTo < this.#look.final)
    if (behind.length > 0) {
      await this.#readOnce(behind)
      return 0
    }
    if (this.#look.taken <= this.#look.final) return Math.max(1, this.#pollIn())
    this.#isAsked = true
    this.#lookAgainMs = Math.min(2 * this.#lookAgainMs, LAST_LOOK_MS)
    return this.#lookAgainMs
  }

  async wait(ms: number): Promise<void> {
    if (ms > 0) await this.#news.wait(ms)
  }

  /** Returns the shards that are read now: they are ready and go on, and their handlers have room for more. */
  #able(): readonly Shard[] {
    const { handlings } = this.#parts
    const isFull = ({ pending }: Handling) => pending >= READS_AHEAD * this.#size.most
    // A full handler that has free slots is only waiting for CPU time. If the others read on, their positions would drift apart.
    if (handlings.some((one) => isFull(one) && !one.isPaused && one.hasRoom && one.runnable.length > 0)) return []
    return handlings.flatMap((handling) =>
      handling.isPaused || isFull(handling)
        ? []
        : [...handling.shards.values()].filter((one) => isGoingOn(one, handling)),
    )
  }

  #isLookDue(able: readonly Shard[]): boolean {
    if (this.#isAsked || this.#pollIn() <= 0)
      return able.every(({ readTo }) => readTo + this.#size.most >= this.#look.final)
    return false
  }

  /** How long until we look for events without having been woken. */
  #pollIn(): number {
    return this.#parts.pollMs - (performance.now() - this.#lookedAt)
  }

  /** A cursor's position does not show that all events before it are final: a new handler or an operator may have put it there. */
  async #lookOnce(): Promise<void> {
    this.#isAsked = false
    this.#lookedAt = performance.now()
    const before = this.#look.final
    const { life } = this.#look
    this.#look = await this.#parts.store.look(this.#look)
    if (life !== null && this.#look.life !== life) {
      this.#look = { ...NOTHING_KNOWN, life: this.#look.life }
      return this.#parts.onCrash()
    }
    if (this.#look.final > before) this.#lookAgainMs = FIRST_LOOK_MS
  }

  /**
   * Shards are at different positions in the log. The positions take turns. Each read ends at the next position, so that the shards continue together
   * from there. Shards that are only a little ahead wait for the others.
   */
  async #readOnce(behind: readonly Shard[]): Promise<void> {
    const places = [...new Set(behind.map(({ readTo }) => readTo))].toSorted((one, other) => one - other)
    this.#turn += 1
    const turn = firstOfNear(places, this.#turn % places.length)
    const after = places[turn] as number
    const upTo = Math.min(places[turn + 1] ?? this.#look.final, after + LONGEST_STRETCH)
    const together = behind.filter(({ readTo }) => readTo === after)
    const most = this.#size.most
    const { store, types } = this.#parts
    const events = await store.read({ after, upTo, most, shards: shardsIn(together), types })
    await this.#handBack(together, events)
    const delivered = await deliveredIn(byHandling(together), events, store)
    this.#handOut(together, events, { delivered, to: events.length < most ? upTo : (events.at(-1) as LogEvent).number })
    this.#size.learn({ count: events.length, size: payloadSize(events) })
  }

  /** Takes keys out of their lanes when nothing of them is left there. */
  async #handBack(together: readonly Shard[], events: readonly LogEvent[]): Promise<void> {
    for (const [handling, shards] of byHandling(together)) {
      const asked = new Map<string, Key>()
      for (const { partitionKey, hash } of events) {
        const shard = shards[hash % shards.length]
        const key = partitionKey === null ? undefined : shard?.keys.get(partitionKey)
        if (key?.inLane && key.unwritten === 0 && !key.isRunning) asked.set(key.name, key)
      }
      if (asked.size === 0) continue
      const live = await this.#parts.store.liveOf(handling.handler, [...asked.keys()])
      for (const [name, key] of asked) {
        if (live.has(name) || key.unwritten > 0 || this.#parts.isLanePaused(handling, name)) continue
        key.inLane = false
      }
    }
  }

  #handOut(together: readonly Shard[], events: readonly LogEvent[], { delivered, to }: HandingOut): void {
    for (const [handling, shards] of byHandling(together)) {
      for (const event of events) {
        const shard = shards[event.hash % shards.length]
        if (!shard || shard.isDropped || shard.isReleasing) continue
        if (isBelowFloor(handling, event) || isDelivered(shard, event, delivered.get(handling))) continue
        const interest = handling.interestIn(event)
        if (interest !== 'none') this.#parts.add(shard, event, interest === 'waits' || shard.isSuspect)
      }
    }
    for (const shard of together) {
      if (shard.isReleasing || shard.isDropped) continue
      shard.readTo = to
      if (shard.pending.length > 0) shard.isSuspect = false
    }
    this.#parts.onRead()
  }
}

interface HandingOut {
  readonly delivered: DeliveredTo
  /** The events were read up to this number. */
  readonly to: number
}

/** Returns the index of the lowest position in the same group. In a group, each position is near the next one. */
function firstOfNear(places: readonly number[], place: number): number {
  let first = place
  while (first > 0 && (places[first] as number) - (places[first - 1] as number) <= NEAR) first -= 1
  return first
}

function isGoingOn(shard: Shard, { subscription: { endsAt } }: Handling): boolean {
  return shard.isReady && !shard.isReleasing && !shard.isDropped && (endsAt === null || shard.readTo < endsAt)
}

/** Returns the shards that are read, by handler: each is at the index of its number. */
function byHandling(shards: readonly Shard[]): ReadonlyMap<Handling, readonly (Shard | undefined)[]> {
  const found = new Map<Handling, (Shard | undefined)[]>()
  for (const shard of shards) {
    const { handling } = shard
    const known = found.get(handling) ?? Array.from<undefined>({ length: handling.subscription.shards })
    found.set(handling, known)
    known[shard.cursor.shard] = shard
  }
  return found
}

/** Returns the shards whose events to read. `null`, for all events: the handlers differ in their number of shards, or all shards are read. */
function shardsIn(together: readonly Shard[]): { readonly of: number; readonly wanted: readonly number[] } | null {
  const of = together[0]?.handling.subscription.shards ?? 1
  if (together.some(({ handling }) => handling.subscription.shards !== of)) return null
  const wanted = [...new Set(together.map(({ cursor }) => cursor.shard))]
  return wanted.length === of ? null : { of, wanted }
}
