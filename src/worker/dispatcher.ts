/**
 * Works one queue in one process: claims as many deliveries as there are free slots, runs each as soon as it is here,
 * and settles what has finished.
 *
 *        ┌────────── wake-up, poll, or a slot that became free
 *        ▼
 *     claim ──► attempt (in its slot) ──► settle (in groups) ──► free slot
 *                  ▲                        │
 *                  └── the next of its lane ┘
 */
import { performance, setTimeout } from '../clock.ts'
import type { ClaimedDelivery, Settlement } from '../deliveries/delivery.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'
import { PostbusError } from '../errors.ts'
import { isPartitionedQueue } from '../names.ts'
import type { Outcome } from '../handlers/outcome.ts'
import type { Emit } from '../signals.ts'
import { Claimer } from './claimer.ts'
import type { HandlerSlots } from './handler-slots.ts'
import { abortLost, Held, type HeldDelivery } from './held.ts'
import { QueueSignals } from './queue-signals.ts'
import { settleableAttempt } from '../attempt/settleable-attempt.ts'
import { Settler } from './settler.ts'
import type { Tally } from './tally.ts'

/** A claim given back at shutdown becomes due after this time: this process is gone by then, even if its handler is not. */
const GIVE_BACK_MS = 500
/** A delivery that comes back to a process in which its lost attempt still runs is looked at again after this time. */
const ZOMBIE_MS = 2_000
/** So many deliveries of a lane run in a row before other lanes that wait for a slot have their turn. */
const LONGEST_RUN = 16

export interface DispatcherOptions {
  readonly queue: string
  readonly concurrency: number
  /** Shared with the other queue of the same handlers. */
  readonly handlerSlots: HandlerSlots
  readonly pollMs: number
  readonly store: DeliveryStore
  readonly tally: Tally
  readonly emit: Emit
  /** Runs one attempt. Never rejects. */
  attempt(delivery: ClaimedDelivery, abort: AbortController): Promise<Outcome>
}

export class Dispatcher {
  readonly queue: string
  readonly #options: DispatcherOptions
  readonly #inLanes: boolean
  readonly #signals: QueueSignals
  readonly #settler: Settler
  readonly #held: Held
  readonly #claimer: Claimer
  readonly #stopping = new AbortController()

  constructor(options: DispatcherOptions) {
    this.queue = options.queue
    this.#options = options
    this.#inLanes = isPartitionedQueue(options.queue)
    this.#held = new Held(options.handlerSlots, this.#inLanes ? 'settled' : 'returned')
    this.#signals = new QueueSignals(options.queue, options.emit)
    this.#claimer = new Claimer({
      ...options,
      inLanes: this.#inLanes,
      held: this.#held,
      signals: this.#signals,
      stopping: this.#stopping.signal,
      begin: (delivery) => void this.#runLane(delivery),
    })
    this.#settler = new Settler({
      store: options.store,
      queue: options.queue,
      onMore: () => this.wake(),
      onError: (error) => this.#signals.databaseFailed(error),
      onRefused: (settlement, error) => this.#signals.settlementRefused(settlement, error),
    })
  }

  /** Claims and runs until stopped. */
  async run(): Promise<void> {
    await this.#claimer.run(false)
  }

  /**
   * Claims and runs until nothing can be claimed any more. What waits for its time, or for another process, stays.
   * Answers how many deliveries were claimed.
   */
  async drain(): Promise<number> {
    return this.#claimer.run(true)
  }

  /** There may be something to claim. */
  wake(): void {
    this.#claimer.wake()
  }

  /** No further claims. What runs goes on. */
  stopClaiming(): void {
    this.#stopping.abort(new PostbusError('POSTBUS_CLOSED', 'The worker is stopping.'))
  }

  /** Resolves when nothing is held any more. */
  idle(): Promise<void> {
    return this.#held.idle()
  }

  /** How many deliveries are claimed and not settled. */
  get heldCount(): number {
    return this.#held.size
  }

  /**
   * Gives back what still runs, without using an attempt, and aborts its handlers. Answers how many there were. What
   * has returned by now is settled as what it answered, and what a handler answers to the abort counts for nothing.
   */
  async giveBack(): Promise<number> {
    const left = this.#held.takeRunning()
    const settled = left.map(({ delivery }) => this.#settler.settle(later(delivery, GIVE_BACK_MS)))
    for (const { abort } of left) abort.abort(this.#stopping.signal.reason)
    await Promise.all([...settled, this.#settler.empty()])
    for (const held of left) this.#held.release(held)
    return left.length
  }

  /** Stops trying to reach the database. */
  giveUp(): void {
    this.#settler.giveUp()
  }

  /** Tells the database that the claims held for longer than a moment are alive; aborts those that were lost. */
  async keepClaims(olderThanMs: number): Promise<void> {
    const held = this.#held.heldSince(performance.now() - olderThanMs)
    if (held.length === 0) return
    const claims = held.map(({ delivery }) => delivery)
    const ours = await this.#options.store.keep(this.queue, claims)
    const lost = held.filter(({ delivery }) => !ours.has(delivery.id))
    for (const one of lost) if (abortLost(one)) this.#signals.claimLost(one.delivery)
  }

  /** Runs a delivery, and then those of its lane that settling hands out. Something of it is held until all is settled. */
  async #runLane(first: ClaimedDelivery): Promise<void> {
    let held = await this.#start(first)
    for (let place = 1; held !== null; place += 1) {
      const next = await this.#run(held, place < LONGEST_RUN)
      const following: HeldDelivery | null = next === null ? null : await this.#start(next)
      this.#held.release(held, following !== null)
      held = following
    }
    this.#claimer.released()
  }

  /** Holds a delivery; `null` if it cannot start now, and was put off. */
  async #start(delivery: ClaimedDelivery): Promise<HeldDelivery | null> {
    // A lost claim that came back to us while its handler still runs: the two must not overlap.
    const isZombie = this.#held.isInHandler(delivery.id)
    if (!isZombie && !this.#stopping.signal.aborted) return this.#held.hold(delivery)
    await this.#settler.settle(later(delivery, isZombie ? ZOMBIE_MS : 0))
    return null
  }

  /** Runs one attempt and settles it. Answers the next delivery of its lane, if settling has claimed it for us. */
  async #run(held: HeldDelivery, mayTakeNext: boolean): Promise<ClaimedDelivery | null> {
    const { delivery, abort } = held
    const { outcome, settlement } = await settleableAttempt(this.#options, delivery, abort)
    this.#held.returned(held)
    this.#claimer.returned()
    if (held.phase === 'given-back') return null

    held.phase = 'settling'
    const takeNext = this.#inLanes && mayTakeNext && !this.#stopping.signal.aborted
    const { wasOurs, next } = await this.#settler.settle({ ...settlement, takeNext })
    if (wasOurs) this.#settled(outcome)
    else if (!abort.signal.aborted) this.#signals.claimLost(delivery)
    return next
  }

  #settled(outcome: Outcome): void {
    this.#options.tally.count(outcome)
    if (!('delayMs' in outcome) || outcome.delayMs >= this.#options.pollMs) return
    // Nobody announces that a short wait is over, and the poll would make it a long one.
    setTimeout(() => this.wake(), outcome.delayMs + 1).unref()
  }
}

function later(delivery: ClaimedDelivery, delayMs: number): Settlement {
  return { delivery, is: 'later', delayMs }
}
