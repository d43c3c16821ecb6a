/** The slots of one queue in one process: how many are taken, and how many deliveries may be claimed. */
import type { Alone } from './alone.ts'
import type { Batches } from './batches/batches.ts'
import type { ClaimAhead } from './claim-ahead.ts'
import type { Held } from './held.ts'
import type { Share, SharedSlots } from './shared-slots.ts'
import type { WaitingRoom } from './waiting-room.ts'

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
  /** Deliveries that were claimed before there was a slot for them. */
  readonly waiting: Pick<WaitingRoom, 'size'>
  /** Limits claims while a delivery must run alone. */
  readonly alone?: Pick<Alone, 'most'>
}

/** What a claim under way has asked for. */
export interface Asked {
  readonly limit: number
  /** How many slots were free for them. */
  readonly slots: number
}

export class Slots {
  readonly #parts: SlotsParts
  readonly #ahead: Pick<ClaimAhead, 'count'>
  readonly #share: Share | null
  /** How many deliveries the claims under way have asked for. */
  #asked = 0
  /** How many of them have a slot. */
  #reserved = 0
  /** How many bytes of payloads those claims may bring. */
  #promised = 0

  /** `onFree` is called when another tenant has left slots. */
  constructor(parts: SlotsParts, ahead: Pick<ClaimAhead, 'count'>, onFree: () => void) {
    this.#parts = parts
    this.#ahead = ahead
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

  /** Whether there is a free slot for a claimed delivery without a key. */
  get hasOne(): boolean {
    const { queue, concurrency, held, batches } = this.#parts
    return held.inHandlers + batches.begunIn(queue) < concurrency
  }

  /** Whether all that was claimed has returned. */
  get areAllFree(): boolean {
    return this.#parts.held.inHandlers === 0 && this.#parts.waiting.size === 0
  }

  /** Whether there is a free slot for a batch: slots that claims have asked for count as taken. */
  get hasOneForBatch(): boolean {
    return this.#busy() + this.#reserved < this.#parts.concurrency
  }

  /** How many deliveries may be held that have not returned. */
  get window(): number {
    return this.#parts.concurrency + this.#ahead.count
  }

  /**
   * How many deliveries a claim may ask for. While more than half of what is claimed ahead still waits, that is none. Settling may lag
   * behind the handlers a little, but not without bound. A lane keeps its slot until it is settled, because that settle may bring the
   * next delivery of the lane. If large payloads have used up the memory, slots stay empty.
   */
  free(): number {
    const { alone, waiting } = this.#parts
    const isOpen = this.room > 0 && 2 * waiting.size <= this.#ahead.count
    const free = isOpen ? Math.max(0, this.window - this.#taken()) : 0
    const most = free > 0 && this.#share ? Math.min(free, this.#share.room()) : free
    return alone?.most(most) ?? most
  }

  /** A claim is about to ask for this many. */
  ask(limit: number): Asked {
    const { concurrency, queue, batches } = this.#parts
    const free = concurrency - this.#busy() - batches.readyIn(queue) - this.#reserved
    const slots = Math.min(limit, Math.max(0, free))
    this.#asked += limit
    this.#reserved += slots
    return { limit, slots }
  }

  /** Runs this claim, which may bring `room` bytes. Its deliveries must have taken their slots before it returns. */
  async during<Result>({ limit, slots }: Asked, room: number, claim: () => Promise<Result>): Promise<Result> {
    this.#promised += room
    try {
      return await claim()
    } finally {
      this.#asked -= limit
      this.#reserved -= slots
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

  /** Slots that are taken, that batches and waiting deliveries are about to take, and that claims have asked for. */
  #taken(): number {
    const { queue, batches, waiting } = this.#parts
    return this.#busy() + waiting.size + batches.readyIn(queue) + this.#asked
  }

  #busy(): number {
    const { queue, held, inLanes, lanes, batches, waiting } = this.#parts
    const unsettled = held.singles - waiting.size
    const singles = inLanes ? lanes() : Math.max(held.inHandlers, unsettled - 2 * this.window)
    return singles + batches.begunIn(queue)
  }
}
