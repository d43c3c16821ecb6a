/**
 * A shard that this worker reads: a part of a handler's keys, with the events that were read and are not acknowledged yet.
 *
 *   read ──► queued ──► running ──► done ───────────────────────► acknowledged: the cursor passes it
 *              │           ├──────► ended: failed, snoozed, dead ──► acknowledged, with a job
 *              │           └──────► spilled: takes long          ──► acknowledged, with a job that is held until the run ends
 *              └──────────────────► behind: waits in its lane    ──► acknowledged, with a job
 */
import type { LogEvent, LogSubscription, OwnedCursor } from '../../deliveries/log-reading.ts'
import type { CursorClaim, Ending, PassedAs } from '../../deliveries/delivery.ts'
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
  /** The events that may run, in order. */
  readonly runnable: Fifo<Entry>
  running: number
  isPaused: boolean
  /** Whether another attempt may begin. */
  readonly hasRoom: boolean
  /** How many events were read and are not acknowledged. */
  readonly pending: number
  interestIn(event: LogEvent): Interest
  /** Returns the replay that an event belongs to: events from before the handler existed are its backfill. */
  replayOf(event: LogEvent): string | null
}

export interface Entry {
  readonly shard: Shard
  /** `null`: it has no key, and waits for nothing. */
  readonly key: Key | null
  readonly event: LogEvent
  /** Whether a transactional handler committed its work for the event before the shard was ours. */
  readonly isCompleted: boolean
  state: 'queued' | 'running' | 'done' | 'ended' | 'behind' | 'spilled'
  /** `performance.now()` when it began to run. */
  since: number
  abort: AbortController | null
  /** How the event ended, if it has a job; `endedAt` says when, so that a delay counts from then. */
  end: Ending | null
  endedAt: number
  passed: { readonly as: PassedAs; readonly reason: string } | null
  /** Whether it is decided what becomes of the event: what its handler returns after that does not count. */
  isOver: boolean
}

/** What is known about a key while one of its events is here, or in its lane. */
export interface Key {
  readonly name: string
  /** Whether its lane may hold live deliveries: newly read events go behind them. Only this shard's owner puts anything into the lane. */
  inLane: boolean
  /** How many of its jobs are not written yet. Until they are, the lane must not be asked about. */
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
  /** The cursor in the form that deliveries contain, once one was made. */
  claim: CursorClaim | null = null
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
  /** Events that a transactional handler completed before the shard was ours. They are not run again. `null`: the handler is not transactional. */
  completed: ReadonlySet<number> | null = null
  /** The events whose handlers are running, including spilled events. */
  readonly inFlight = new Set<Entry>()
  /** Whether it may be read: the keys in lanes are known, and no event of an earlier ownership runs any more. */
  isReady = false
  /** It is not ours any more. */
  isDropped = false
  /** Whether the shard is being released: no more of its events are read or begun. */
  isReleasing = false
  /** Whether events that ran too long for a stop were given back. The worker does not wait for these. */
  isGivenBack = false
  /** Whether its owners died again and again. The next events may be the reason, and go out as jobs, which count their attempts. */
  isSuspect: boolean

  constructor(handling: Handling, cursor: OwnedCursor, deathsUntilSuspect: number) {
    this.handling = handling
    this.cursor = cursor
    this.acknowledged = cursor.position
    this.readTo = cursor.position
    this.isSuspect = cursor.deaths >= deathsUntilSuspect
  }

  /** Whether an event of the shard runs for which the worker must wait. */
  get isBusy(): boolean {
    return this.inFlight.size > 0 && !this.isGivenBack
  }

  key(name: string): Key {
    let key = this.keys.get(name)
    if (!key) this.keys.set(name, (key = { name, inLane: false, unwritten: 0, isRunning: false, queue: [] }))
    return key
  }

  /** Forgets a key with no events here any more. An entry may outlive its key: by then another key may have the name. */
  forget(key: Key): void {
    if (key.inLane || key.isRunning || key.unwritten > 0 || key.queue.length > 0) return
    if (this.keys.get(key.name) === key) this.keys.delete(key.name)
  }

  /** Takes an event that was read. It runs when its key is free, or goes behind the deliveries in the lane. */
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

  /** The lane has a delivery of the key: events that wait here for their turn go there too. */
  toLane(key: Key): void {
    key.inLane = true
    for (const waiting of key.queue.splice(0)) this.putBehind(waiting)
  }

  /**
   * Called when nothing more begins. A queued event before one that has run becomes a job, so that the cursor can pass both and nothing is
   * repeated. Queued events after all that have run are left to the next owner.
   */
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
