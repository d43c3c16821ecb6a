/**
 * Claims from one queue under the limits of its handlers: it remembers for which handlers a claim left deliveries because their
 * slots were taken. So a free slot leads to another claim only if it is a slot of such a handler.
 */
import type { Claimed, HandlerRoom } from '../deliveries/delivery.ts'
import type { HandlerSlots } from './handler-slots.ts'

export class LimitedClaims {
  readonly #slots: HandlerSlots
  /** The handlers of which the last claim has left deliveries. */
  #heldBack: ReadonlySet<string> = new Set()
  /** The handlers that got a free slot since that claim began. */
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

  /** Whether the last claim has left deliveries of this handler. */
  isWaiting(handler: string): boolean {
    return this.#heldBack.has(handler)
  }

  /** Whether a slot became free during the last claim, for a handler whose deliveries the claim has left. */
  get mayClaimMore(): boolean {
    return [...this.#freed].some((handler) => this.#heldBack.has(handler))
  }
}
