/**
 * Reads the log, once for all handlers of a worker, and hands out what it reads to their shards.
 *
 *   how far is it final? ──► shards at the same place are read together ──► who is interested ──► behind its lane, or to run
 *
 * Before that, keys that are in their lanes are asked after, if an event of theirs was read and all that we put into the lane is written: a
 * key whose lane has run dry is back in the log. The question comes after the answers to all that was written, so it cannot miss any of it.
 */
import { performance } from '../../clock.ts'
import type { LogEvent, LogLook, LogStore } from '../../deliveries/log-reading.ts'
import { deliveredIn, isBelowFloor, isDelivered, type DeliveredTo } from './change-zone.ts'
import { Gate } from '../gate.ts'
import type { Handling, Key, Shard } from './shard.ts'

const FEWEST = 100
const MOST = 1_000
/** So many characters of payloads in one read are plenty: the next one asks for fewer events. */
const LARGE_READ = 4 * 1_048_576
/** Of a handler, so many reads are in memory at most. */
const READS_AHEAD = 4
/** So long a stretch is looked at in one statement, when few events of it are for us. */
const LONGEST_STRETCH = 20_000
/** While a publisher has taken a number and not committed: looked at again after so long, and then less often. */
const FIRST_LOOK_MS = 2
const LAST_LOOK_MS = 50
/** Where there is no room, what is acknowledged makes some, and says so. */
const NO_ROOM_MS = 50

export interface LogReaderParts {
  readonly store: Pick<LogStore, 'look' | 'read' | 'liveOf' | 'delivered'>
  readonly handlings: readonly Handling[]
  readonly pollMs: number
  /** The types that any handler listens to, as they are stored; `null`: they cannot be named. */
  readonly types: readonly string[] | null
  /** Whether this lane of a handler is paused: then it is not handed back. */
  isLanePaused(handling: Handling, key: string): boolean
  add(shard: Shard, event: LogEvent, goesBehind: boolean): void
  /** All that was read is handed out. */
  onRead(): void
  /** The server has crashed since: what was read and not acknowledged may be something else now. */
  onCrash(): void
}

const NOTHING_KNOWN: LogLook = { final: 0, gap: null, heldBy: null, taken: 0, life: null }

export class LogReading {
  readonly #parts: LogReaderParts
  readonly #news = new Gate()
  #look: LogLook = NOTHING_KNOWN
  #lookedAt = -Infinity
  #isAsked = true
  #lookAgainMs = FIRST_LOOK_MS
  #most = FEWEST
  #turn = 0

  constructor(parts: LogReaderParts) {
    this.#parts = parts
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

  /** Those that are read now: ours, going on, and with room for more. */
  #able(): readonly Shard[] {
    return this.#parts.handlings.flatMap((handling) =>
      handling.isPaused || handling.pending >= READS_AHEAD * this.#most
        ? []
        : [...handling.shards.values()].filter((one) => isGoingOn(one, handling)),
    )
  }

  #isLookDue(able: readonly Shard[]): boolean {
    if (this.#isAsked || this.#pollIn() <= 0) return able.every(({ readTo }) => readTo + this.#most >= this.#look.final)
    return false
  }

  /** How long until something is looked for that no one has told of. */
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

  /** Of the places where shards stand one after the other has its turn, up to the next one: there they go on together. */
  async #readOnce(behind: readonly Shard[]): Promise<void> {
    const places = [...new Set(behind.map(({ readTo }) => readTo))].toSorted((one, other) => one - other)
    this.#turn += 1
    const turn = this.#turn % places.length
    const after = places[turn] as number
    const upTo = Math.min(places[turn + 1] ?? this.#look.final, after + LONGEST_STRETCH)
    const together = behind.filter(({ readTo }) => readTo === after)
    const most = this.#most
    const { store, types } = this.#parts
    const events = await store.read({ after, upTo, most, shards: shardsIn(together), types })
    await this.#handBack(together, events)
    const delivered = await deliveredIn(byHandling(together), events, store)
    this.#handOut(together, events, { delivered, to: events.length < most ? upTo : (events.at(-1) as LogEvent).number })
    this.#learnSize(events)
  }

  #learnSize(events: readonly LogEvent[]): void {
    const size = events.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0)
    if (size > LARGE_READ) this.#most = Math.max(1, Math.floor(this.#most / 4))
    else if (size < LARGE_READ / 4 && events.length === this.#most) this.#most = Math.min(2 * this.#most, MOST)
  }

  /** Takes keys out of their lanes of which nothing is left there. */
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

function isGoingOn(shard: Shard, { subscription: { endsAt } }: Handling): boolean {
  return shard.isReady && !shard.isReleasing && !shard.isDropped && (endsAt === null || shard.readTo < endsAt)
}

/** For each handler its shards that are read, each at its number. */
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

/** Events of other shards are left where they are, if all handlers are divided into as many, and not all of these are read. */
function shardsIn(together: readonly Shard[]): { readonly of: number; readonly wanted: readonly number[] } | null {
  const of = together[0]?.handling.subscription.shards ?? 1
  if (together.some(({ handling }) => handling.subscription.shards !== of)) return null
  const wanted = [...new Set(together.map(({ cursor }) => cursor.shard))]
  return wanted.length === of ? null : { of, wanted }
}
