/**
 * Works on one queue in one process: claims deliveries, runs each as soon as it has a slot, and settles the finished ones.
 *
 *        ┌────────── wake-up, poll, or a slot that became free
 *        ▼
 *     claim ──► attempt (in its slot) ──► settle (in groups) ──► free slot
 *                  ▲                        │
 *                  └── the next of its lane ┘
 */
import { setTimeout } from '../clock.ts'
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import { isPartitionedQueue } from '../names.ts'
import type { Outcome } from '../handlers/outcome.ts'
import { NEVER_ALONE, type Alone } from './alone.ts'
import { noBatches, type Batches } from './batches/batches.ts'
import { gathering } from './batches/gathering.ts'
import type { LaneBatch } from './batches/lane-batch.ts'
import { Claimer } from './claimer.ts'
import type { DispatcherParts } from './dispatcher-parts.ts'
import { giveBackRunning } from './give-back.ts'
import { Held, type HeldDelivery, type Run } from './held.ts'
import { keepClaims } from './keep-claims.ts'
import { later } from './later.ts'
import { LaneRun } from './lane-run.ts'
import type { LaneRunParts } from './lane-run-parts.ts'
import { LaneTurns } from './lane-turns.ts'
import { QueueSignals } from './queue-signals.ts'
import { Settler } from './settler.ts'
import { runSingle, type SingleRunParts } from './single-run.ts'
import { WaitingRoom } from './waiting-room.ts'

/** A delivery that comes back to the process in which its lost attempt still runs is put off for this time. */
const ZOMBIE_MS = 2_000

export class Dispatcher {
  readonly queue: string
  readonly #parts: DispatcherParts
  readonly #inLanes: boolean
  readonly #alone: Alone
  readonly #batches: Batches
  readonly #signals: QueueSignals
  readonly #settler: Settler
  readonly #held: Held
  readonly #claimer: Claimer
  readonly #waiting: WaitingRoom
  readonly #runs = new Set<Run>()
  readonly #runParts: LaneRunParts
  readonly #singleParts: SingleRunParts
  readonly #gather: (delivery: ClaimedDelivery) => void
  readonly #stopping = new AbortController()

  constructor(parts: DispatcherParts) {
    this.queue = parts.queue
    this.#parts = parts
    this.#inLanes = isPartitionedQueue(parts.queue)
    this.#held = new Held()
    this.#alone = parts.alone ?? NEVER_ALONE
    this.#batches = parts.batches ?? noBatches()
    this.#batches.serve(parts.queue, () => this.#claimer.hasSlot)
    this.#signals = new QueueSignals(parts.queue, parts.emit)
    this.#waiting = new WaitingRoom({
      held: this.#held,
      hasSlot: () => this.#claimer.hasSlotForClaimed,
      begin: (held) => runSingle(this.#singleParts, held),
      putOff: (delivery) => this.#putOff(delivery),
      onLeft: ({ handler }) => parts.handlerSlots.release(handler),
    })
    this.#claimer = new Claimer({
      ...parts,
      inLanes: this.#inLanes,
      alone: this.#alone,
      batches: this.#batches,
      held: this.#held,
      waiting: this.#waiting,
      lanes: () => this.#runs.size,
      signals: this.#signals,
      stopping: this.#stopping.signal,
      begin: (delivery) => this.#begin(delivery),
    })
    this.#settler = new Settler({
      store: parts.store,
      queue: parts.queue,
      onMore: () => this.wake(),
      onError: (error) => this.#signals.databaseFailed(error),
      onRefused: (refused) => this.#signals.settlementsRefused(refused),
      onStored: (settlement) => parts.tally.count(settlement, settlement.delivery),
    })
    this.#runParts = {
      ...parts,
      held: this.#held,
      settler: this.#settler,
      signals: this.#signals,
      turns: new LaneTurns({ ...parts, waits: (handler) => this.#claimer.waits(handler) }),
      hasRoom: () => this.#claimer.room > 0,
      isStopping: () => this.#stopping.signal.aborted || this.#alone.isTaken,
      mustWait: (delivery) => this.#mustWait(delivery),
      putOff: (delivery, onSettled) => this.#putOff(delivery, onSettled),
      onOutcome: (outcome, delivery, tookMs) => this.#settled(outcome, delivery, tookMs),
      onEnd: (run) => this.#runEnded(run),
    }
    this.#singleParts = {
      ...this.#runParts,
      onReturned: (handler) => {
        parts.handlerSlots.release(handler)
        this.#claimer.returned()
      },
      onEnd: (held) => this.#leave(held),
      begin: (delivery) => this.#begin(delivery),
    }
    const ofLanes = { ...this.#runParts, ...parts, onEnd: (lane: LaneBatch) => this.#runEnded(lane) }
    this.#gather = gathering(this.#inLanes ? ofLanes : null, this.#singleParts, this.#batches)
  }

  /** Claims and runs until stopped. */
  async run(): Promise<void> {
    await this.#claimer.run(false)
  }

  /**
   * Claims and runs until nothing can be claimed any more. Deliveries that wait for their time, or for another process, stay.
   * Returns how many deliveries were claimed.
   */
  async drain(): Promise<number> {
    return this.#claimer.run(true)
  }

  /** There may be something to claim. */
  wake(): void {
    this.#claimer.wake()
  }

  /** Stops claiming. Running handlers go on. */
  stopClaiming(): void {
    this.#stopping.abort(new PostbusError('POSTBUS_CLOSED', 'The worker is stopping.'))
    this.#batches.stop()
    this.#waiting.giveBack()
  }

  /** Resolves when nothing is held any more. */
  async idle(): Promise<void> {
    await Promise.all([this.#held.idle(), this.#alone.idle()])
  }

  /** Resolves when everything that was claimed by now has ended, and is written. */
  async quiet(): Promise<void> {
    await this.#claimer.quiet()
    await this.#held.idle()
    await this.#settler.empty()
  }

  /** The number of deliveries that must be given back and are not yet. */
  get leftCount(): number {
    return this.#held.countOf('given-back')
  }

  /** The number of ended attempts whose outcome is not stored. */
  get unsettledCount(): number {
    return this.#held.countOf('settling') + this.#settler.refused.length
  }

  /**
   * Gives back the deliveries that still run, without using up an attempt, and aborts their handlers. Returns how many there were.
   * A handler that has returned by now is settled by its result. What a handler returns after the abort does not count.
   */
  async giveBack(): Promise<number> {
    const parts = { held: this.#held, settler: this.#settler, leave: (held: HeldDelivery) => this.#leave(held) }
    return giveBackRunning(parts, this.#stopping.signal.reason)
  }

  /** Resolves when everything that has ended so far is written, or given up. */
  async written(): Promise<void> {
    await this.#alone.idle()
    await this.#settler.empty()
  }

  /** Stops trying to reach the database. */
  giveUp(): void {
    this.#settler.giveUp()
  }

  /** Tells the database that claims held for longer than `olderThanMs` are alive. Aborts attempts whose claims were lost. */
  async keepClaims(olderThanMs: number): Promise<void> {
    const others = () => [...this.#settler.refused, ...this.#alone.waitingIn(this.queue)]
    await keepClaims({ ...this.#parts, held: this.#held, signals: this.#signals, others }, olderThanMs)
  }

  /** Begins a claimed delivery. It has taken its slot when this returns. */
  #begin(delivery: ClaimedDelivery): void {
    if (delivery.wasLost && this.#held.renew(delivery)) return
    if (this.#mustWait(delivery)) this.#putOff(delivery)
    else if (this.#alone.isFor(delivery)) this.#beginAlone(delivery)
    else this.#start(delivery)
  }

  #beginAlone(delivery: ClaimedDelivery): void {
    const isItsTurn = this.#alone.take(delivery, async () => {
      if (this.#mustWait(delivery)) return this.#putOff(delivery)
      this.#start(delivery)
      await this.#held.idle()
    })
    if (!isItsTurn) this.#putOff(delivery)
  }

  #start(delivery: ClaimedDelivery): void {
    this.#parts.handlerSlots.take(delivery.handler)
    if (this.#batches.isFor(delivery.handler)) this.#gather(delivery)
    else if (this.#inLanes) this.#beginRun(delivery)
    else this.#waiting.admit(delivery)
  }

  #beginRun(delivery: ClaimedDelivery): void {
    const run = new LaneRun(this.#runParts, delivery.handler)
    this.#runs.add(run)
    run.begin(delivery)
  }

  #runEnded(run: Run): void {
    this.#runs.delete(run)
    this.#parts.handlerSlots.release(run.handler)
    this.#claimer.released()
  }

  /** Whether the handler still runs for a lost claim of this delivery, which has come back to us: the two runs must not overlap. */
  #isZombie({ id }: ClaimedDelivery): boolean {
    return this.#held.isInHandler(id)
  }

  #mustWait(delivery: ClaimedDelivery): boolean {
    return this.#stopping.signal.aborted || this.#isZombie(delivery)
  }

  #putOff(delivery: ClaimedDelivery, onSettled = () => this.#claimer.released()): void {
    this.#settler.hand(later(delivery, this.#isZombie(delivery) ? ZOMBIE_MS : 0), onSettled)
  }

  /** A delivery is settled, or given back. */
  #leave(held: HeldDelivery): void {
    this.#held.release(held)
    this.#parts.handlerSlots.settled(held.delivery.handler)
    this.#claimer.released()
  }

  #settled(outcome: Outcome, delivery: ClaimedDelivery, tookMs: number): void {
    this.#parts.tally.count(outcome, delivery, tookMs)
    if (!('delayMs' in outcome) || outcome.delayMs >= this.#parts.pollMs) return
    // Nothing announces that a short wait is over, and the poll would make it a long one.
    setTimeout(() => this.wake(), outcome.delayMs + 1).unref()
  }
}
