/**
 * Deliveries of a queue without keys that were claimed before there was a slot for them. Each begins as soon as a slot is free, in the
 * order of the claims. When the handlers in the slots have become slow, the deliveries go back to the database, for other processes.
 */
import { performance, setTimeout } from '../clock.ts'
import type { ClaimedDelivery } from '../deliveries/delivery.ts'
import type { Held, HeldDelivery } from './held.ts'

/** After this time without a slot, at most after twice this time, a delivery goes back. */
const LONGEST_MS = 100

export interface WaitingRoomParts {
  readonly held: Held
  /** Whether there is a free slot. */
  hasSlot(): boolean
  begin(held: HeldDelivery): void
  /** Gives a delivery back to the database. No attempt is used up. */
  putOff(delivery: ClaimedDelivery): void
  /** Called for a delivery that leaves without having begun. */
  onLeft(delivery: ClaimedDelivery): void
}

export class WaitingRoom {
  readonly #parts: WaitingRoomParts
  readonly #waiting = new Set<HeldDelivery>()
  #isWatched = false

  constructor(parts: WaitingRoomParts) {
    this.#parts = parts
  }

  /** How many deliveries wait. */
  get size(): number {
    return this.#waiting.size
  }

  /** Begins a claimed delivery, or lets it wait. It is held when this returns. */
  admit(delivery: ClaimedDelivery): void {
    const { held, begin, hasSlot } = this.#parts
    if (this.#waiting.size === 0 && hasSlot()) return begin(held.hold(delivery))
    this.#waiting.add(held.holdWaiting(delivery))
    this.#watch()
  }

  /** There may be a free slot. */
  next(): void {
    for (const one of this.#waiting) {
      if (!this.#parts.hasSlot()) return
      if (one.abort.signal.aborted) this.#leave(one)
      else this.#begin(one)
    }
  }

  /** Gives back the deliveries that have waited since `before` or longer; default: all. */
  giveBack(before = Infinity): void {
    for (const one of this.#waiting) {
      if (one.since > before) return
      this.#leave(one)
    }
  }

  #begin(one: HeldDelivery): void {
    this.#waiting.delete(one)
    this.#parts.held.begin(one)
    this.#parts.begin(one)
  }

  /** One whose claim was lost does not go back: it is in another process already. */
  #leave(one: HeldDelivery): void {
    this.#waiting.delete(one)
    this.#parts.held.release(one)
    this.#parts.onLeft(one.delivery)
    if (!one.abort.signal.aborted) this.#parts.putOff(one.delivery)
  }

  #watch(): void {
    if (this.#isWatched) return
    this.#isWatched = true
    const look = () => {
      this.#isWatched = false
      this.giveBack(performance.now() - LONGEST_MS)
      if (this.#waiting.size > 0) this.#watch()
    }
    setTimeout(look, LONGEST_MS).unref()
  }
}
