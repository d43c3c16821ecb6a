/**
 * The claims that a process holds, in memory that it shares with the thread that keeps them alive. No message is sent for a claim: it
 * costs a few numbers, and the thread reads them only when the event loop stands still. A slot that is being written reads as
 * free.
 */
import type { ClaimedDelivery } from '../../../deliveries/delivery.ts'
import type { HeldClaim } from '../../../deliveries/heartbeats.ts'

/** The layout of the memory, in numbers of 64 bits: a header, then the slots. */
export const LAYOUT = {
  header: 1,
  /** When the event loop of the process was last known to run. */
  pulse: 0,
  slot: 5,
  /** The claim; 0 in a free slot. */
  claim: 0,
  queue: 1,
  limitMs: 2,
  /** The 16 bytes of the delivery's id. */
  id: 3,
} as const

/** 640 KiB. Claims beyond these are kept by the main thread alone. */
const SLOTS = 16_384

interface Held {
  readonly queue: number
  readonly claim: number
  readonly slot: number
}

export class SharedClaims {
  readonly memory = new SharedArrayBuffer(8 * (LAYOUT.header + SLOTS * LAYOUT.slot))
  readonly #numbers = new Float64Array(this.memory)
  readonly #bytes = Buffer.from(this.memory)
  readonly #free = Array.from({ length: SLOTS }, (_, place) => SLOTS - 1 - place)
  readonly #held = new Map<string, Held>()

  constructor() {
    this.pulse()
  }

  /** Notes that the event loop runs. */
  pulse(): void {
    this.#numbers[LAYOUT.pulse] = monotonicMs()
  }

  /** `queue`: its place in the thread's list of queues. It is part of the key, because schemas count ids from 1, so two can have the same id. */
  hold(queue: number, { delivery: { id, claim }, limitMs }: HeldClaim): void {
    const key = `${queue} ${id}`
    const slot = this.#held.get(key)?.slot ?? this.#free.pop()
    if (slot === undefined) return
    this.#held.set(key, { queue, claim, slot })
    const at = placeOf(slot)
    this.#numbers[at + LAYOUT.claim] = 0
    this.#numbers[at + LAYOUT.queue] = queue
    this.#numbers[at + LAYOUT.limitMs] = limitMs
    this.#bytes.write(id.replaceAll('-', ''), 8 * (at + LAYOUT.id), 'hex')
    this.#numbers[at + LAYOUT.claim] = claim
  }

  release(queue: number, { id, claim }: ClaimedDelivery): void {
    const key = `${queue} ${id}`
    const held = this.#held.get(key)
    if (held?.claim === claim) this.#giveBack(key, held)
  }

  /** Releases all claims of these queues, whose worker has left. */
  releaseAll(queues: ReadonlySet<number>): void {
    for (const [key, held] of this.#held) if (queues.has(held.queue)) this.#giveBack(key, held)
  }

  #giveBack(key: string, { slot }: Held): void {
    this.#held.delete(key)
    this.#numbers[placeOf(slot) + LAYOUT.claim] = 0
    this.#free.push(slot)
  }
}

/** A clock that all threads of a process share. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

function placeOf(slot: number): number {
  return LAYOUT.header + slot * LAYOUT.slot
}
