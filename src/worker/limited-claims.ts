/**
 * One queue's claims under the limits of its handlers: remembers of which handlers something was left for want of their
 * slots, so that a slot that becomes free leads to another claim, and only then.
 */
import type { Claimed, HandlerRoom } from '../deliveries/delivery.ts'
import type { HandlerSlots } from './handler-slots.ts'

export class LimitedClaims {
  readonly #slots: HandlerSlots
  /** Handlers of which the last claim has left something. */
  #heldBack: ReadonlySet<string> = new Set()
  /** Handlers of which a slot became free since that claim began. */
  readonly #freed = new Set<string>()

  /** Calls `wake` when something that was left may be claimed. */
  constructor(slots: HandlerSlots, wake: () => void) {
    this.#slots = slots
    slots.onFree((handler) => {
      this.#freed.add(handler)
      if (this.#heldBack.has(handler)) wake()
    })
  }

  claim(claim: (rooms: readonly HandlerRoom[]) => Promise<Claimed>): Promise<Claimed> {
    return this.#slots.claim(async (rooms) => {
      this.#freed.clear()
      const claimed = await claim(rooms)
      this.#heldBack = new Set(claimed.heldBack)
      return claimed
    })
  }

  /** The last claim has left something of this handler. */
  isWaiting(handler: string): boolean {
    return this.#heldBack.has(handler)
  }

  /** A slot for what the last claim has left became free while that was on its way. */
  get mayClaimMore(): boolean {
    return [...this.#freed].some((handler) => this.#heldBack.has(handler))
  }
}
