/**
 * Works one queue in one process: claims as many deliveries as there are free slots, runs each as soon as it is here,
 * and settles what has finished. One claimer for all slots, so an idle queue costs one small query per poll.
 *
 *        ┌────────── wake-up, poll, or a slot that became free
 *        ▼
 *     claim ──► attempt (in its slot) ──► settle (in groups) ──► free slot
 */
import type { ClaimedDelivery, DeliveryStore, Settlement } from '../backend.ts'
import { PostbusError } from '../errors.ts'
import { isPartitionedQueue } from '../names.ts'
import type { Outcome } from '../outcome.ts'
import type { Emit } from '../signals.ts'
import { Gate } from './gate.ts'
import { QueueSignals } from './queue-signals.ts'
import { retryDelays } from './retry-delays.ts'
import { settleableAttempt } from './settleable-attempt.ts'
import { Settler } from './settler.ts'
import type { Tally } from './tally.ts'

/** A claim given back at shutdown becomes due after this time: this process is gone by then, even if its handler is not. */
const GIVE_BACK_MS = 500
/** A delivery that comes back to a process in which its lost attempt still runs is looked at again after this time. */
const ZOMBIE_MS = 2_000

export interface DispatcherOptions {
  readonly queue: string
  readonly concurrency: number
  readonly pollMs: number
  readonly store: DeliveryStore
  readonly tally: Tally
  readonly emit: Emit
  /** Runs one attempt. Never rejects. */
  attempt(delivery: ClaimedDelivery, abort: AbortController): Promise<Outcome>
}

interface Running {
  readonly delivery: ClaimedDelivery
  readonly abort: AbortController
  /** `performance.now()`: a clock that nobody sets. */
  readonly since: number
  /**
   * - `running`: its handler runs.
   * - `settling`: the handler has returned; its outcome is on the way to the database.
   * - `given-back`: the handler was too slow for a stop; whatever it answers now is not written down.
   */
  phase: 'running' | 'settling' | 'given-back'
}

export class Dispatcher {
  readonly queue: string
  readonly #options: DispatcherOptions
  readonly #signals: QueueSignals
  readonly #settler: Settler
  /** Claimed and not yet settled. */
  readonly #held = new Set<Running>()
  /** The ids of those whose handlers have not returned yet. */
  readonly #inHandlers = new Set<string>()
  /** Opens when there may be something to claim: a wake-up, a slot that became free, the next delivery of a lane. */
  readonly #mayClaim = new Gate()
  /** Opens when a held delivery was let go. */
  readonly #released = new Gate()
  readonly #stopping = new AbortController()
  readonly #delays = retryDelays(this.#stopping.signal)
  /** The last claim filled every free slot, so the queue may hold more. */
  #wantsMore = false
  #draining = false

  constructor(options: DispatcherOptions) {
    this.queue = options.queue
    this.#options = options
    this.#signals = new QueueSignals(options.queue, options.emit)
    this.#settler = new Settler({
      store: options.store,
      queue: options.queue,
      onError: (error) => this.#signals.databaseFailed(error),
      onRefused: (settlement, error) => this.#signals.settlementRefused(settlement, error),
    })
  }

  /** Claims and runs until stopped. */
  async run(): Promise<void> {
    await this.#work()
  }

  /**
   * Claims and runs until nothing can be claimed any more. What waits for its time, or for another process, stays.
   * Answers how many deliveries were claimed.
   */
  async drain(): Promise<number> {
    this.#draining = true
    return this.#work()
  }

  /** Something was published to this queue. */
  wake(): void {
    this.#mayClaim.open()
  }

  /** No further claims. What runs goes on. */
  stopClaiming(): void {
    this.#stopping.abort(new PostbusError('POSTBUS_CLOSED', 'The worker is stopping.'))
    this.#mayClaim.open()
  }

  /** Resolves when nothing is held any more. */
  async idle(): Promise<void> {
    while (this.#held.size > 0) await this.#released.wait(1_000)
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
    const left = [...this.#held].filter((running) => running.phase === 'running')
    for (const running of left) running.phase = 'given-back'
    const settled = left.map(({ delivery }) => this.#settler.settle(later(delivery, GIVE_BACK_MS)))
    for (const { abort } of left) abort.abort(this.#stopping.signal.reason)
    await Promise.all([...settled, this.#settler.empty()])
    for (const running of left) this.#release(running)
    return left.length
  }

  /** Stops trying to reach the database. */
  giveUp(): void {
    this.#settler.giveUp()
  }

  /** Tells the database that the claims held for longer than a moment are alive; aborts those that were lost. */
  async keepClaims(olderThanMs: number): Promise<void> {
    const before = performance.now() - olderThanMs
    // Those that are settling too: their settle may have to be tried for longer than a claim lives.
    const held = [...this.#held].filter((running) => running.since <= before)
    if (held.length === 0) return
    const ours = await this.#options.store.keep(
      this.queue,
      held.map((running) => running.delivery),
    )
    for (const { delivery, abort, phase } of held) {
      if (ours.has(delivery.id) || phase !== 'running' || abort.signal.aborted) continue
      this.#signals.claimLost(delivery)
      abort.abort(
        new PostbusError('POSTBUS_CLAIM_LOST', `The claim of delivery ${delivery.id} was lost to another worker.`),
      )
    }
  }

  async #work(): Promise<number> {
    let total = 0
    while (!this.#stopping.signal.aborted) {
      const slots = this.#freeSlots()
      const wasIdle = this.#held.size === 0
      const claimed = slots > 0 ? await this.#claim(slots) : null
      for (const delivery of claimed ?? []) void this.#handle(delivery)
      total += claimed?.length ?? 0

      this.#wantsMore = slots === 0 || claimed?.length === slots
      if (slots > 0 && this.#wantsMore) continue
      // What ended while the claim was on its way may have made the next of its lane due, unseen by that claim.
      if (this.#draining && claimed?.length === 0 && wasIdle) return total
      if (!this.#stopping.signal.aborted) await this.#mayClaim.wait(this.#options.pollMs)
    }
    return total
  }

  /** Settling lags behind the handlers a little; it may not lag without bound. */
  #freeSlots(): number {
    const { concurrency } = this.#options
    return Math.max(0, Math.min(concurrency - this.#inHandlers.size, 3 * concurrency - this.#held.size))
  }

  /** What was claimed; `null` when the database did not answer. */
  async #claim(limit: number): Promise<readonly ClaimedDelivery[] | null> {
    try {
      const claimed = await this.#options.store.claim(this.queue, limit)
      this.#delays.reset()
      this.#signals.databaseAnswered()
      if (!this.#stopping.signal.aborted) return claimed
      // Stopped while the claim was on its way: nothing of it may start.
      await Promise.all(claimed.map((delivery) => this.#settler.settle(later(delivery, 0))))
      return null
    } catch (error) {
      this.#signals.databaseFailed(error)
      await this.#delays.next()
      return null
    }
  }

  #hold(delivery: ClaimedDelivery): Running {
    const running: Running = { delivery, abort: new AbortController(), since: performance.now(), phase: 'running' }
    this.#held.add(running)
    return running
  }

  async #handle(delivery: ClaimedDelivery): Promise<void> {
    // A lost claim that came back to us while its handler still runs: the two must not overlap.
    if (this.#inHandlers.has(delivery.id)) {
      await this.#settler.settle(later(delivery, ZOMBIE_MS))
      return
    }
    const running = this.#hold(delivery)
    this.#inHandlers.add(delivery.id)
    const { outcome, settlement } = await settleableAttempt(this.#options, delivery, running.abort)
    this.#inHandlers.delete(delivery.id)
    if (this.#wantsMore) this.#mayClaim.open()
    if (running.phase === 'given-back') return

    running.phase = 'settling'
    const wasOurs = await this.#settler.settle(settlement)
    if (wasOurs) this.#settled(outcome)
    else if (!running.abort.signal.aborted) this.#signals.claimLost(delivery)
    this.#release(running)
  }

  #settled(outcome: Outcome): void {
    this.#options.tally.count(outcome)
    if (!('delayMs' in outcome) || outcome.delayMs >= this.#options.pollMs) return
    // Nobody announces that a short wait is over, and the poll would make it a long one.
    setTimeout(() => this.wake(), outcome.delayMs + 1).unref()
  }

  #release(running: Running): void {
    this.#held.delete(running)
    this.#released.open()
    // In a partitioned queue the end of one delivery is what makes the next of its lane due, and nobody else says so.
    if (isPartitionedQueue(this.queue) || this.#wantsMore || this.#draining) this.#mayClaim.open()
  }
}

function later(delivery: ClaimedDelivery, delayMs: number): Settlement {
  return { delivery, is: 'later', delayMs }
}
