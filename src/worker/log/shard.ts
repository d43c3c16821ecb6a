/**
 * A shard that this worker reads: a part of a handler's keys, with what was read of it and is not acknowledged yet.
 *
 *   read ──► queued ──► running ──► done ───────────────────────► acknowledged: the cursor passes it
 *              │           ├──────► ended: failed, snoozed, dead ──► acknowledged, with a job
 *              │           └──────► spilled: takes long          ──► acknowledged, with a job that is held until the run ends
 *              └──────────────────► behind: waits in its lane    ──► acknowledged, with a job
 */
import type { LogEvent, LogSubscription, OwnedCursor } from '../../deliveries/log-reading.ts'
import type { Ending, PassedAs } from '../../deliveries/delivery.ts'
import type { Interest } from '../../attempt/log-interest.ts'
import type { AnyHandler } from '../../handlers/handler.ts'
import type { Fifo } from './fifo.ts'
import type { HandlerSlots } from '../handler-slots.ts'

/** A handler that reads the log, as one worker sees it. */
export interface Handling {
  readonly handler: AnyHandler
  /** As of the last heartbeat. */
  subscription: LogSubscription
  readonly slots: HandlerSlots
  /** Its shards that are here, by their numbers. */
  readonly shards: Map<number, Shard>
  /** Those that may run, in order. */
  readonly runnable: Fifo<Entry>
  running: number
  isPaused: boolean
  /** Whether another one may begin. */
  readonly hasRoom: boolean
  /** So many were read and are not acknowledged. */
  readonly pending: number
  interestIn(event: LogEvent): Interest
  /** Which replay an event belongs to: what was published before the handler was there is its backfill. */
  replayOf(event: LogEvent): string | null
}

export interface Entry {
  readonly shard: Shard
  /** `null`: it has no key, and waits for nothing. */
  readonly key: Key | null
  readonly event: LogEvent
  /** A transactional handler has committed what it did for it, before the shard was ours. */
  readonly isCompleted: boolean
  state: 'queued' | 'running' | 'done' | 'ended' | 'behind' | 'spilled'
  /** `performance.now()` when it began to run. */
  since: number
  abort: AbortController | null
  /** What became of it, if that is more than done; when that was, for a delay. */
  end: Ending | null
  endedAt: number
  passed: { readonly as: PassedAs; readonly reason: string } | null
  /** What became of it is decided: what its handler still returns counts for nothing. */
  isOver: boolean
}

/** What is known of a key for as long as something of it is here, or in its lane. */
export interface Key {
  readonly name: string
  /** Its lane may hold live deliveries: what is read goes behind them. Only this shard's owner puts anything into the lane. */
  inLane: boolean
  /** So many of its jobs are not written yet: until they are, the lane must not be asked. */
  unwritten: number
  isRunning: boolean
  readonly queue: Entry[]
}

/** A held delivery whose event was read. */
export interface HeldEvent {
  readonly number: number
  readonly key: Key | null
  readonly queue: string
  readonly id: string
}

export class Shard {
  readonly handling: Handling
  readonly cursor: OwnedCursor
  /** The cursor's place, as far as the database has answered. */
  acknowledged: number
  /** The log is read up to here. */
  readTo: number
  /** Read and not acknowledged, in order. */
  pending: Entry[] = []
  readonly keys = new Map<string, Key>()
  /** Held deliveries that are released when the cursor has passed their events. */
  held: HeldEvent[] = []
  /** Spilled ones that have ended. */
  ends: Entry[] = []
  /** Events that were completed before the shard was ours, by transactions of a transactional handler. They are not run again. `null`: it is none. */
  completed: ReadonlySet<number> | null = null
  /** So many are in their handlers, spilled ones too. */
  running = 0
  /** What lies in its lanes is known, and nothing of an earlier ownership runs any more. */
  isReady = false
  /** It is not ours any more. */
  isDropped = false
  /** It is to be let go: nothing more of it is read or begun. */
  isReleasing = false
  /** What ran too long for a stop has been given back: it is not waited for. */
  isGivenBack = false
  /** Its workers have died again and again: what comes next may be why, and goes out as jobs, which count their attempts. */
  isSuspect: boolean

  constructor(handling: Handling, cursor: OwnedCursor, deathsUntilSuspect: number) {
    this.handling = handling
    this.cursor = cursor
    this.acknowledged = cursor.position
    this.readTo = cursor.position
    this.isSuspect = cursor.deaths >= deathsUntilSuspect
  }

  /** Whether something of it runs that is to be waited for. */
  get isBusy(): boolean {
    return this.running > 0 && !this.isGivenBack
  }

  key(name: string): Key {
    let key = this.keys.get(name)
    if (!key) this.keys.set(name, (key = { name, inLane: false, unwritten: 0, isRunning: false, queue: [] }))
    return key
  }

  /** Forgets a key of which nothing is here any more. An entry may outlive its key: by then another one may have the name. */
  forget(key: Key): void {
    if (key.inLane || key.isRunning || key.unwritten > 0 || key.queue.length > 0) return
    if (this.keys.get(key.name) === key) this.keys.delete(key.name)
  }

  /** An event that was read, and is to run when its key lets it, or to go behind what is in the lane. */
  take(event: LogEvent, goesBehind: boolean): Entry {
    const key = event.partitionKey === null ? null : this.key(event.partitionKey)
    const entry: Entry = {
      shard: this,
      key,
      event,
      isCompleted: this.completed?.has(event.number) ?? false,
      state: 'queued',
      since: 0,
      abort: null,
      end: null,
      endedAt: 0,
      passed: null,
      isOver: false,
    }
    this.pending.push(entry)
    if (goesBehind && key) key.inLane = true
    if (goesBehind || key?.inLane) this.putBehind(entry)
    return entry
  }

  putBehind(entry: Entry): void {
    entry.state = 'behind'
    if (entry.key) entry.key.unwritten += 1
  }

  /** The lane has something of the key: what waits here for its turn goes there too. */
  toLane(key: Key): void {
    key.inLane = true
    for (const waiting of key.queue.splice(0)) this.putBehind(waiting)
  }

  /** Nothing of it is begun any more. What stands before something that has run goes behind, so that nothing is repeated; the rest is left to the next owner. */
  finish(): void {
    const last = this.pending.findLastIndex(({ state }) => state !== 'queued')
    for (const entry of this.pending.splice(last + 1)) entry.key?.queue.splice(0)
    this.readTo = this.pending.at(-1)?.event.number ?? this.acknowledged
    for (const entry of this.pending) {
      if (entry.state !== 'queued') continue
      if (entry.key) entry.key.inLane = true
      this.putBehind(entry)
    }
  }
}
