/** The deliveries that one dispatcher has claimed and not yet settled, and which of their handlers still run. */
import { performance } from '../clock.ts'
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import { PostbusError } from '../errors.ts'
import { Gate } from './gate.ts'

export interface HeldDelivery {
  /** The delivery as its last claim brought it: see `renew`. */
  delivery: ClaimedDelivery
  readonly abort: AbortController
  /** `performance.now()`: a clock that is never set. */
  readonly since: number
  /** The run of its lane; `null`: it has none. */
  readonly run: Run | null
  /** It is in a batch, which has the slot. */
  readonly isMember: boolean
  /**
   * - `waiting`: it waits for a slot.
   * - `running`: its handler runs.
   * - `settling`: the handler has returned; its outcome is on the way to the database.
   * - `given-back`: the handler was too slow for a stop; what it returns now is not stored.
   */
  phase: 'waiting' | 'running' | 'settling' | 'given-back'
}

/** The run of a lane, as far as the code that keeps claims must know it. */
export interface Run {
  readonly handler: string
  /** How many settles of this run were answered; `null` while one is under way, which may move the claim. */
  readonly moves: number | null
  /** Gives the running delivery its new claim. Returns false when the run has more to settle than that delivery. */
  renew(delivery: ClaimedDelivery): boolean
  /** Gives back the running delivery. Resolves when nothing of the run is held any more. */
  giveBack(delayMs: number): Promise<void>
}

export class Held {
  readonly #held = new Set<HeldDelivery>()
  #payloadSize = 0
  /** The ids of deliveries whose handlers have not returned yet. */
  readonly #inHandlers = new Set<string>()
  /** How many of the deliveries in handlers, and of all held deliveries, are in batches. */
  #membersInHandlers = 0
  #members = 0
  readonly #released = new Gate()

  /** How many are claimed and not settled. */
  get size(): number {
    return this.#held.size
  }

  /** How many held deliveries are in no batch. */
  get singles(): number {
    return this.#held.size - this.#members
  }

  /** The total length of the payloads in memory, in characters: of the held deliveries, and of the deliveries that were claimed to run after them. */
  get payloadSize(): number {
    return this.#payloadSize
  }

  /** How many handlers have not returned. Batch handlers do not count. */
  get inHandlers(): number {
    return this.#inHandlers.size - this.#membersInHandlers
  }

  countOf(phase: HeldDelivery['phase']): number {
    return [...this.#held].filter((held) => held.phase === phase).length
  }

  isInHandler(id: string): boolean {
    return this.#inHandlers.has(id)
  }

  hold(delivery: ClaimedDelivery, run: Run | null = null, isMember = false): HeldDelivery {
    const held = this.#add(delivery, run, isMember, 'running')
    if (isMember) this.#members += 1
    this.#enter(delivery, isMember)
    return held
  }

  /** Holds a delivery that has no slot yet. */
  holdWaiting(delivery: ClaimedDelivery): HeldDelivery {
    return this.#add(delivery, null, false, 'waiting')
  }

  /** Its handler is about to be called. */
  begin(held: HeldDelivery): void {
    held.phase = 'running'
    this.#enter(held.delivery, false)
  }

  /** Records deliveries that follow a held one in its batch. Its claim is their claim too. */
  holdBehind(deliveries: readonly ClaimedDelivery[]): void {
    this.await(deliveries)
    for (const delivery of deliveries) this.#enter(delivery, true)
  }

  /** Their handler has returned. */
  releaseBehind(deliveries: readonly ClaimedDelivery[]): void {
    this.awaitNoMore(deliveries)
    for (const delivery of deliveries) this.#leave(delivery, true)
  }

  /**
   * Called when a lost claim comes back to us. If its handler still runs here, its outcome counts by the new claim. Returns false
   * when the delivery is not held here, or its outcome cannot count any more.
   */
  renew(delivery: ClaimedDelivery): boolean {
    const held = [...this.#held].find((one) => one.delivery.id === delivery.id)
    if (!held || held.phase === 'given-back' || held.abort.signal.aborted) return false
    if (held.run) return held.run.renew(delivery)
    held.delivery = delivery
    return true
  }

  /** Its handler has returned. */
  returned({ delivery, isMember }: HeldDelivery): void {
    this.#leave(delivery, isMember)
  }

  /** It is settled, or given up. */
  release(held: HeldDelivery): void {
    this.#released.open()
    if (!this.#held.delete(held)) return
    this.#payloadSize -= payloadSize(held.delivery)
    if (held.isMember) this.#members -= 1
  }

  /** These are in memory too, and not begun. */
  await(behind: readonly ClaimedDelivery[]): void {
    for (const delivery of behind) this.#payloadSize += payloadSize(delivery)
  }

  /** Called when such deliveries begin, or are dropped. */
  awaitNoMore(behind: readonly ClaimedDelivery[]): void {
    for (const delivery of behind) this.#payloadSize -= payloadSize(delivery)
  }

  /** Resolves when nothing is held any more. */
  async idle(): Promise<void> {
    while (this.#held.size > 0) await this.#released.wait(1_000)
  }

  /** Marks the running deliveries as given back, and returns them. */
  takeRunning(): readonly HeldDelivery[] {
    const running = [...this.#held].filter((held) => held.phase === 'running')
    for (const held of running) held.phase = 'given-back'
    return running
  }

  #add(delivery: ClaimedDelivery, run: Run | null, isMember: boolean, phase: HeldDelivery['phase']): HeldDelivery {
    const held: HeldDelivery = {
      delivery,
      abort: new AbortController(),
      since: performance.now(),
      run,
      isMember,
      phase,
    }
    this.#held.add(held)
    this.#payloadSize += payloadSize(delivery)
    return held
  }

  #enter({ id }: ClaimedDelivery, isMember: boolean): void {
    if (isMember && !this.#inHandlers.has(id)) this.#membersInHandlers += 1
    this.#inHandlers.add(id)
  }

  #leave({ id }: ClaimedDelivery, isMember: boolean): void {
    if (this.#inHandlers.delete(id) && isMember) this.#membersInHandlers -= 1
  }

  /** Returns deliveries held since `before` or earlier. Settling ones too: their settle may be tried for longer than a claim lives. */
  heldSince(before: number): readonly HeldDelivery[] {
    return [...this.#held].filter((held) => held.since <= before)
  }
}

function payloadSize({ event }: ClaimedDelivery): number {
  return event?.payload?.length ?? 0
}

/** Aborts an attempt whose claim another worker has taken over. Returns false if it had ended or was aborted before. */
export function abortLost({ delivery, abort, phase }: HeldDelivery): boolean {
  if ((phase !== 'running' && phase !== 'waiting') || abort.signal.aborted) return false
  const reason = `The claim of delivery ${delivery.id} was lost to another worker.`
  abort.abort(new PostbusError('POSTBUS_CLAIM_LOST', reason))
  return true
}
