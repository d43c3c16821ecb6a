/** Runs what was read: per key one at a time and in order, keys side by side, up to the limit of each handler. */
import { performance, setImmediate } from '../../clock.ts'
import { concludedAttempt, type ConcludedAttempt } from '../../attempt/concluded-attempt.ts'
import { openRest } from '../../attempt/open-envelope.ts'
import type { Attempt } from '../../attempt/run-attempt.ts'
import { supersededBy } from '../../attempt/superseded.ts'
import type { ClaimedDelivery, Ending, Settlement } from '../../deliveries/delivery.ts'
import type { LogEvent } from '../../deliveries/log-reading.ts'
import { PostbusError } from '../../errors.ts'
import { queueOfEvent } from '../../names.ts'
import type { Emit } from '../../signals.ts'
import type { Tally } from '../tally.ts'
import type { Handling, Entry, Key, Shard } from './shard.ts'

/** So long runs follow each other before the event loop has its turn. */
const TURN_MS = 10

export interface RunParts {
  readonly attempt: Attempt
  readonly emit: Emit
  readonly tally: Tally
  /** Which worker reads. */
  readonly reader: string
  /** Names an event on its way to a handler. */
  deliveryId(seq: string, handler: string): string
  /** Whether anything may begin: the lease is fresh, and the worker goes on. */
  mayBegin(): boolean
  /** Something has ended. */
  onEnded(): void
}

export class Runs {
  readonly #parts: RunParts
  readonly #handlings: readonly Handling[]
  /** Those in their handlers by shard, also of shards that are not ours any more. */
  readonly #inFlight = new Map<string, number>()
  readonly #live = new Set<Entry>()
  #isScheduled = false
  #turnBegan = -Infinity

  constructor(parts: RunParts, handlings: readonly Handling[]) {
    this.#parts = parts
    this.#handlings = handlings
  }

  /** Whether anything of this shard runs here, by this or an earlier ownership. */
  isRunning({ handling, cursor }: Shard): boolean {
    return (this.#inFlight.get(`${handling.handler.name} ${cursor.shard}`) ?? 0) > 0
  }

  /** A newly read event waits for its turn. */
  add(entry: Entry): void {
    const { key, shard } = entry
    if (key === null) shard.handling.runnable.push(entry)
    else {
      key.queue.push(entry)
      this.#next(shard, key)
    }
  }

  /** Begins what may begin. */
  pump(): void {
    if (this.#isScheduled || !this.#parts.mayBegin()) return
    for (const handling of this.#handlings) {
      if (handling.runnable.length > 0 && !handling.isPaused) this.#pumpOne(handling)
    }
  }

  #pumpOne(handling: Handling): void {
    const { runnable } = handling
    while (runnable.length > 0 && handling.hasRoom && !this.#isTurnOver()) {
      const entry = runnable.shift()
      if (entry?.state !== 'queued' || entry.shard.isDropped || entry.shard.isReleasing) continue
      const newer = handling.handler.options.coalesce && newerThan(entry)
      if (newer) this.#passOver(entry, newer)
      else this.#begin(entry)
    }
  }

  /** Then the others have their turn: what acknowledges, what keeps leases, and everyone else in the process. */
  #isTurnOver(): boolean {
    if (this.#isScheduled) return true
    if (performance.now() - this.#turnBegan < TURN_MS) return false
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#turnBegan = performance.now()
      this.pump()
    })
    return true
  }

  /** The next of a key may run. */
  #next(shard: Shard, key: Key): void {
    if (key.isRunning || key.inLane) return
    const entry = key.queue.shift()
    if (entry) {
      key.isRunning = true
      shard.handling.runnable.push(entry)
    } else shard.forget(key)
  }

  #begin(entry: Entry): void {
    const { shard } = entry
    const { handling } = shard
    const { attempt, emit } = this.#parts
    entry.state = 'running'
    entry.since = performance.now()
    entry.abort = new AbortController()
    handling.running += 1
    handling.slots.take(handling.handler.name)
    this.#count(shard, 1)
    this.#live.add(entry)
    const delivery = this.#deliveryOf(entry)
    void concludedAttempt(attempt(delivery, entry.abort), delivery, emit).then((concluded) =>
      this.#returned(entry, delivery, concluded),
    )
  }

  /** A newer event of its type waits behind it: it need not run. */
  #passOver(entry: Entry, newer: LogEvent): void {
    const { shard, key } = entry
    const outcome = supersededBy(newer.id)
    entry.since = performance.now()
    entry.isOver = true
    entry.state = 'done'
    entry.passed = { as: outcome.is, reason: outcome.reason }
    this.#parts.tally.count(outcome, this.#deliveryOf(entry), 0)
    if (key) {
      key.isRunning = false
      this.#next(shard, key)
    }
    this.#parts.onEnded()
  }

  #returned(entry: Entry, delivery: ClaimedDelivery, { outcome, settlement }: ConcludedAttempt): void {
    const { shard, key } = entry
    const { handling } = shard
    handling.running -= 1
    handling.slots.release(handling.handler.name)
    this.#count(shard, -1)
    this.#live.delete(entry)
    if (key) key.isRunning = false
    if (!shard.isDropped && !entry.isOver) {
      this.#parts.tally.count(outcome, delivery, performance.now() - entry.since)
      this.#conclude(entry, settlement)
    }
    this.#parts.onEnded()
    if (handling.runnable.length > 0) this.pump()
  }

  #conclude(entry: Entry, settlement: Settlement): void {
    const { shard, key } = entry
    const end = endOf(settlement)
    if (entry.state === 'running' && (end.is === 'done' || end.is === 'passed')) {
      entry.isOver = true
      entry.state = 'done'
      if (end.is === 'passed') entry.passed = { as: end.as, reason: end.reason }
      if (key) this.#next(shard, key)
    } else endWith(entry, end)
  }

  /** What still runs of a shard comes again later, elsewhere, and no attempt is used up. Returns how many that were. */
  giveBack(shard: Shard, delayMs: number): number {
    const running = this.#liveOf(shard).filter(({ isOver }) => !isOver)
    for (const entry of running) {
      endWith(entry, { is: 'later', delayMs })
      entry.abort?.abort(new PostbusError('POSTBUS_CLOSED', 'The worker is stopping.'))
    }
    shard.isGivenBack = true
    return running.length
  }

  /** The shard is another worker's now. */
  drop(shard: Shard): void {
    shard.isDropped = true
    for (const { abort } of this.#liveOf(shard)) {
      abort?.abort(new PostbusError('POSTBUS_CLAIM_LOST', 'The shard of this event was lost to another worker.'))
    }
  }

  #liveOf(shard: Shard): readonly Entry[] {
    return [...this.#live].filter((entry) => entry.shard === shard)
  }

  /** Jobs of these are held by us, and not to be let in. */
  isSpilled(seq: number, shard: Shard): boolean {
    return [...this.#live, ...shard.ends].some((entry) => entry.shard === shard && entry.event.number === seq)
  }

  #count(shard: Shard, by: 1 | -1): void {
    const name = `${shard.handling.handler.name} ${shard.cursor.shard}`
    this.#inFlight.set(name, (this.#inFlight.get(name) ?? 0) + by)
    shard.running += by
  }

  #deliveryOf({ event, shard }: Entry): ClaimedDelivery {
    const { handling, cursor } = shard
    const { handler, subscription } = handling
    const replay = handling.replayOf(event)
    return {
      id: this.#parts.deliveryId(event.seq, subscription.handler),
      queue: queueOfEvent(handler, event.partitionKey),
      handler: handler.name,
      claim: 0,
      cursor: { ...cursor, reader: this.#parts.reader },
      attempt: 1,
      wasLost: shard.completed?.has(event.number) ?? false,
      event: replay === null ? event : { ...event, rest: JSON.stringify({ ...openRest(event), replay }) },
      behind: NONE,
    }
  }
}

function newerThan({ key, event }: Entry): LogEvent | undefined {
  return key?.queue.findLast((waiting) => waiting.event.type === event.type)?.event
}

const NONE: readonly ClaimedDelivery[] = []

/** It goes on as a job, and its key in the lane. One that was spilled has its job already. */
function endWith(entry: Entry, end: Ending): void {
  const { key, shard } = entry
  entry.isOver = true
  entry.end = end
  entry.endedAt = performance.now()
  if (entry.state === 'spilled') return void shard.ends.push(entry)
  entry.state = 'ended'
  if (key === null) return
  key.unwritten += 1
  shard.toLane(key)
}

function endOf(settlement: Settlement): Ending {
  switch (settlement.is) {
    case 'done':
      return { is: 'done' }
    case 'passed':
      return { is: 'passed', as: settlement.as, reason: settlement.reason }
    case 'retry':
      return { is: 'retry', delayMs: settlement.delayMs, error: settlement.error }
    case 'later':
      return { is: 'later', delayMs: settlement.delayMs }
    case 'awaiting':
      return { is: 'awaiting', delayMs: settlement.delayMs }
    case 'dead':
      return { is: 'dead', reason: settlement.reason, error: settlement.error, onDead: settlement.onDead }
  }
}
