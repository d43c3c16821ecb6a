/** Runs the events that were read: one at a time and in order for each key, and keys side by side, up to the limit of each handler. */
import { performance } from '../../clock.ts'
import type { BatchAttempts } from '../../attempt/batch-attempt.ts'
import { concludedAttempt, concludedOutcome, type ConcludedAttempt } from '../../attempt/concluded-attempt.ts'
import type { Attempt } from '../../attempt/run-attempt.ts'
import { supersededBy } from '../../attempt/superseded.ts'
import type { ClaimedDelivery, Settlement } from '../../deliveries/delivery.ts'
import type { LogEvent } from '../../deliveries/log-reading.ts'
import { PostbusError } from '../../errors.ts'
import type { Batching } from '../../handlers/batching.ts'
import type { Emit } from '../../signals.ts'
import type { Tally } from '../tally.ts'
import { BatchGathering, isWaiting, type GatheredEntry } from './batch-gathering.ts'
import { abortOfAll, endNotRun, endsOfBatch, lastOfEachKey } from './batch-end.ts'
import { deliveryOf, type ReadingParts } from './delivery-of.ts'
import { InFlight } from './in-flight.ts'
import { endOf, endWith } from './ending.ts'
import type { Handling, Entry, Key, Shard } from './shard.ts'
import { Turn } from './turn.ts'

/** How many events of a handler are started before the next handler has its turn. */
const AT_ONCE = 50

export interface RunParts extends ReadingParts {
  readonly attempt: Attempt
  readonly batchAttempts: BatchAttempts
  readonly emit: Emit
  readonly tally: Tally
  /** Whether anything may begin: the lease is fresh, and the worker goes on. */
  mayBegin(): boolean
  /** Something has ended. */
  onEnded(): void
}

export class Runs {
  readonly #parts: RunParts
  readonly #handlings: readonly Handling[]
  /** The gatherings of batch handlers. */
  readonly #gatherings = new Map<Handling, BatchGathering>()
  readonly #inFlight = new InFlight()
  readonly #turn = new Turn(() => this.pump())

  constructor(parts: RunParts, handlings: readonly Handling[]) {
    this.#parts = parts
    this.#handlings = handlings
    for (const handling of handlings) {
      if (handling.handler.batch) this.#gatherings.set(handling, this.#gatheringFor(handling, handling.handler.batch))
    }
  }

  #gatheringFor(handling: Handling, batching: Batching): BatchGathering {
    const { batchAttempts } = this.#parts
    return new BatchGathering({
      ...batching,
      runnable: handling.runnable,
      open: (entry) =>
        entry.isCompleted ? null : batchAttempts.open(deliveryOf(this.#parts, entry), handling.handler),
      onDue: () => this.pump(),
    })
  }

  /** Whether anything of this shard runs here, by this or an earlier ownership. */
  isRunning(shard: Shard): boolean {
    return this.#inFlight.hasAnyOf(shard)
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

  /** Starts the events that may start. The handlers take turns, some events each, so that one with many events does not delay the others. */
  pump(): void {
    if (this.#turn.isAwaited || !this.#parts.mayBegin()) return
    for (let waiting = this.#handlings; waiting.length > 0;) waiting = waiting.filter((one) => this.#pumpSome(one))
  }

  /** Returns whether the handler can start more events now. */
  #pumpSome(handling: Handling): boolean {
    const gathering = this.#gatherings.get(handling)
    if (handling.isPaused || (handling.runnable.length === 0 && (gathering?.isEmpty ?? true))) return false
    if (!gathering) return this.#pumpSingles(handling)
    this.#pumpBatches(handling, gathering)
    return false
  }

  #pumpBatches(handling: Handling, gathering: BatchGathering): void {
    while (!this.#turn.isOver()) {
      const next = handling.hasRoom ? gathering.next() : gathering.gather()
      if (!next) return
      if (next.is === 'alone') this.#begin(next.entry)
      else void this.#runBatch(handling, next.members)
    }
  }

  #pumpSingles(handling: Handling): boolean {
    const { runnable } = handling
    for (let count = 0; count < AT_ONCE; count += 1) {
      if (runnable.length === 0 || !handling.hasRoom || this.#turn.isOver()) return false
      const entry = runnable.shift()
      if (!entry || !isWaiting(entry)) continue
      const newer = handling.handler.options.coalesce && newerThan(entry)
      if (newer) this.#passOver(entry, newer)
      else this.#begin(entry)
    }
    return true
  }

  /** Makes the next event of a key runnable. */
  #next(shard: Shard, key: Key): void {
    if (key.isRunning || key.inLane) return
    const entry = key.queue.shift()
    if (!entry) return // the key is forgotten when its last event is acknowledged
    key.isRunning = true
    shard.handling.runnable.push(entry)
  }

  #begin(entry: Entry): void {
    const { attempt, emit } = this.#parts
    const abort = this.#began(entry)
    this.#takeSlot(entry.shard.handling, 1)
    const delivery = deliveryOf(this.#parts, entry)
    const outcome = attempt(delivery, abort)
    if (!(outcome instanceof Promise)) return this.#returned(entry, delivery, concludedOutcome(outcome, delivery, emit))
    void concludedAttempt(outcome, delivery, emit).then((concluded) => this.#returnedLater(entry, delivery, concluded))
  }

  async #runBatch(handling: Handling, members: readonly GatheredEntry[]): Promise<void> {
    const { batchAttempts, emit } = this.#parts
    const abort = abortOfAll(members.map(({ entry }) => this.#began(entry)))
    this.#takeSlot(handling, 1)
    const began = performance.now()
    const outcomeOf = await batchAttempts.run(handling.handler, members, abort)
    const ends = await endsOfBatch(members, outcomeOf, emit)
    this.#takeSlot(handling, -1)
    for (const { entry, delivery, concluded } of ends) {
      this.#inFlight.delete(entry)
      this.#parts.onEnded()
      if (entry.shard.isDropped || entry.isOver) continue
      if (concluded === null) endNotRun(entry)
      else {
        this.#parts.tally.count(concluded.outcome, delivery, performance.now() - began)
        this.#conclude(entry, concluded.settlement)
      }
    }
    for (const one of lastOfEachKey(members)) this.#keyIsFree(one)
    this.pump()
  }

  #began(entry: Entry): AbortController {
    entry.state = 'running'
    entry.since = performance.now()
    entry.abort = new AbortController()
    this.#inFlight.add(entry)
    return entry.abort
  }

  /** Takes or releases a slot. A batch takes one slot, however large it is. */
  #takeSlot(handling: Handling, by: 1 | -1): void {
    handling.running += by
    if (by > 0) handling.slots.take(handling.handler.name)
    else handling.slots.release(handling.handler.name)
  }

  /** Passes over an event that need not run, because a newer one of its type waits behind it. */
  #passOver(entry: Entry, newer: LogEvent): void {
    const outcome = supersededBy(newer.id)
    entry.since = performance.now()
    entry.isOver = true
    entry.state = 'done'
    entry.passed = { as: outcome.is, reason: outcome.reason }
    this.#parts.tally.count(outcome, deliveryOf(this.#parts, entry), 0)
    this.#keyIsFree(entry)
    this.#parts.onEnded()
  }

  #returnedLater(entry: Entry, delivery: ClaimedDelivery, concluded: ConcludedAttempt): void {
    this.#returned(entry, delivery, concluded)
    if (entry.shard.handling.runnable.length > 0) this.pump()
  }

  #returned(entry: Entry, delivery: ClaimedDelivery, { outcome, settlement }: ConcludedAttempt): void {
    const { handling } = entry.shard
    this.#takeSlot(handling, -1)
    this.#inFlight.delete(entry)
    if (!entry.shard.isDropped && !entry.isOver) {
      this.#parts.tally.count(outcome, delivery, performance.now() - entry.since)
      this.#conclude(entry, settlement)
    }
    this.#keyIsFree(entry)
    this.#parts.onEnded()
  }

  #conclude(entry: Entry, settlement: Settlement): void {
    const end = endOf(settlement)
    if (entry.state !== 'running' || (end.is !== 'done' && end.is !== 'passed')) return endWith(entry, end)
    entry.isOver = true
    entry.state = 'done'
    if (end.is === 'passed') entry.passed = { as: end.as, reason: end.reason }
  }

  /** Call it once, when no event of the key is in a handler any more. */
  #keyIsFree({ shard, key }: Entry): void {
    if (key) {
      key.isRunning = false
      if (!shard.isDropped) this.#next(shard, key)
    }
  }

  /** Gives back the running events of a shard: they come again later, elsewhere, and use up no attempt. Returns how many there were. */
  giveBack(shard: Shard, delayMs: number): number {
    const running = [...shard.inFlight].filter(({ isOver }) => !isOver)
    for (const entry of running) {
      endWith(entry, { is: 'later', delayMs })
      entry.abort?.abort(new PostbusError('POSTBUS_CLOSED', 'The worker is stopping.'))
    }
    shard.isGivenBack = true
    return running.length
  }

  /** Drops a shard that is another worker's now, and aborts its running events. */
  drop(shard: Shard): void {
    shard.isDropped = true
    for (const { abort } of shard.inFlight) {
      abort?.abort(new PostbusError('POSTBUS_CLAIM_LOST', 'The shard of this event was lost to another worker.'))
    }
  }

  /** Whether the job of this event is held by us, so that it must not be let in. */
  isSpilled(seq: number, shard: Shard): boolean {
    return [...shard.inFlight, ...shard.ends].some(({ event }) => event.number === seq)
  }
}

function newerThan({ key, event }: Entry): LogEvent | undefined {
  return key?.queue.findLast((waiting) => waiting.event.type === event.type)?.event
}
