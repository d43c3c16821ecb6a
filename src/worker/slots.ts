/** The slots of one queue in one process: how many are taken, and how many deliveries may be claimed. */
import type { Alone } from './alone.ts'
import type { Batches } from './batches/batches.ts'
import type { Held } from './held.ts'
import type { Share, SharedSlots } from './shared-slots.ts'

/** Bytes of stored payloads, counted as characters, that a queue holds in this process. Decoded, they take several times as much memory. */
export const BUDGET = 16 * 1_048_576

export interface SlotsParts {
  readonly queue: string
  readonly concurrency: number
  /** Set when the queues of several tenants share their slots. */
  readonly sharedSlots?: SharedSlots | undefined
  readonly inLanes: boolean
  readonly held: Held
  /** How many lanes are being worked on. */
  lanes(): number
  readonly batches: Pick<Batches, 'begunIn' | 'readyIn'>
  /** Limits claims while a delivery must run alone. */
  readonly alone?: Pick<Alone, 'most'>
}

export class Slots {
  readonly #parts: SlotsParts
  readonly #share: Share | null
  /** How many deliveries the claims under way have asked for. */
  #asked = 0
  /** How many bytes of payloads those claims may bring. */
  #promised = 0

  /** `onFree` is called when another tenant has left slots. */
  constructor(parts: SlotsParts, onFree: () => void) {
    this.#parts = parts
    this.#share = parts.sharedSlots?.join({ taken: () => this.#taken(), wake: onFree }) ?? null
  }

  /** Whether other tenants wait for one of these slots. */
  get othersWait(): boolean {
    return this.#share?.othersWait ?? false
  }

  /** How many bytes of payloads there is room for. */
  get room(): number {
    return Math.max(0, BUDGET - this.#parts.held.payloadSize - this.#promised)
  }

  /** Whether there is a free slot for a batch: slots that claims have asked for count as taken. */
  get hasOneForBatch(): boolean {
    return this.#busy() + this.#asked < this.#parts.concurrency
  }

  /**
   * How many deliveries a claim may ask for. Settling may lag behind the handlers a little, but not without bound. A lane keeps its slot
   * until it is settled, because that settle may bring the next delivery of the lane. If large payloads have used up the memory, slots
   * stay empty.
   */
  free(): number {
    const { alone, concurrency } = this.#parts
    const free = this.room > 0 ? Math.max(0, concurrency - this.#taken()) : 0
    const most = free > 0 && this.#share ? Math.min(free, this.#share.room()) : free
    return alone?.most(most) ?? most
  }

  /** A claim is about to ask for this many. */
  ask(limit: number): void {
    this.#asked += limit
  }

  /** Runs a claim that has asked for `limit`, and may bring `room` bytes. Its deliveries must have taken their slots before it returns. */
  async during<Result>(limit: number, room: number, claim: () => Promise<Result>): Promise<Result> {
    this.#promised += room
    try {
      return await claim()
    } finally {
      this.#asked -= limit
      this.#promised -= room
    }
  }

  /** A slot may be free, for other tenants too. */
  released(): void {
    this.#share?.released()
  }

  /** Claims are over. */
  leave(): void {
    this.#share?.leave()
  }

  /** Slots that are taken, that batches are about to take, and that claims have asked for. */
  #taken(): number {
    const { queue, batches } = this.#parts
    return this.#busy() + batches.readyIn(queue) + this.#asked
  }

  #busy(): number {
    const { concurrency, queue, held, inLanes, lanes, batches } = this.#parts
    const singles = inLanes ? lanes() : Math.max(held.inHandlers, held.singles - 2 * concurrency)
    return singles + batches.begunIn(queue)
  }
}
