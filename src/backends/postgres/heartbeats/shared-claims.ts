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
  readonly claim: number
  readonly slot: number
}

export class SharedClaims {
  readonly memory = new SharedArrayBuffer(8 * (LAYOUT.header + SLOTS * LAYOUT.slot))
  readonly #numbers = new Float64Array(this.memory)
  readonly #bytes = Buffer.from(this.memory)
  readonly #free = Array.from({ length: SLOTS }, (_, place) => SLOTS - 1 - place)
  /** By the place of the queue, then by the delivery's id: schemas count ids from 1, so two queues can have the same id. */
  readonly #held: Map<string, Held>[] = []

  constructor() {
    this.pulse()
  }

  /** Notes that the event loop runs. */
  pulse(): void {
    this.#numbers[LAYOUT.pulse] = monotonicMs()
  }

  /** `queue`: its place in the thread's list of queues. */
  hold(queue: number, { delivery: { id, claim }, limitMs }: HeldClaim): void {
    const held = (this.#held[queue] ??= new Map())
    const slot = held.get(id)?.slot ?? this.#free.pop()
    if (slot === undefined) return
    held.set(id, { claim, slot })
    const at = placeOf(slot)
    this.#numbers[at + LAYOUT.claim] = 0
    this.#numbers[at + LAYOUT.queue] = queue
    this.#numbers[at + LAYOUT.limitMs] = limitMs
    writeId(id, this.#bytes, 8 * (at + LAYOUT.id))
    this.#numbers[at + LAYOUT.claim] = claim
  }

  release(queue: number, { id, claim }: ClaimedDelivery): void {
    const held = this.#held[queue]
    const one = held?.get(id)
    if (one?.claim !== claim) return
    held?.delete(id)
    this.#giveBack(one)
  }

  /** Releases all claims of these queues, whose worker has left. */
  releaseAll(queues: ReadonlySet<number>): void {
    for (const queue of queues) {
      for (const one of this.#held[queue]?.values() ?? []) this.#giveBack(one)
      this.#held[queue]?.clear()
    }
  }

  #giveBack({ slot }: Held): void {
    this.#numbers[placeOf(slot) + LAYOUT.claim] = 0
    this.#free.push(slot)
  }
}

/** A clock that all threads of a process share. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

/** Writes the 16 bytes of an id. `Buffer.write` would need a copy of the text without its dashes. */
function writeId(id: string, bytes: Buffer, from: number): void {
  let at = from
  for (let place = 0; place < id.length; place += 2) {
    if (id[place] === '-') place += 1
    bytes[at] = 16 * digit(id, place) + digit(id, place + 1)
    at += 1
  }
}

/** The value of a lower-case hexadecimal digit. */
function digit(text: string, place: number): number {
  const code = text.charCodeAt(place)
  return code < 58 ? code - 48 : code - 87
}

function placeOf(slot: number): number {
  return LAYOUT.header + slot * LAYOUT.slot
}
