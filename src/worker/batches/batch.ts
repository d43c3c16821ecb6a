/**
 * One batch of a handler, from its first event until all of it is settled. It is made of parts: a part is a single delivery, or some
 * deliveries that follow each other in one lane.
 *
 *   gathering ──► ready: full, or its time is over ──► running ──► over, when the last part is settled
 *       └──────────────── given back: the worker stops ────────────────┘
 */
import { performance } from '../../clock.ts'
import type { BatchMember } from '../../attempt/batch-member.ts'
import type { OutcomeOf } from '../../attempt/batch-attempt.ts'
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'

/** The result of a batch, for the members of a part. */
export interface BatchEnd {
  readonly outcomeOf: OutcomeOf
  readonly tookMs: number
}

/** The deliveries that one claim has brought to a batch. */
export interface BatchPart {
  /** The deliveries of this part, in order. */
  readonly deliveries: readonly ClaimedDelivery[]
  /** Resolves when the handler has returned; with `null` when it was not called, and will not be. */
  readonly ended: Promise<BatchEnd | null>
  /** To be called once, when all of it is settled or given back. */
  leave(): void
}

export class Batch {
  readonly abort = new AbortController()
  /** Where its members come from. */
  readonly queues = new Set<string>()
  readonly #parts = new Set<Part>()
  #size = 0
  #unsettled = 0
  readonly #onOver: () => void
  isRunning = false

  /** `onOver` is called when all parts have left. */
  constructor(onOver: () => void) {
    this.#onOver = onOver
  }

  get size(): number {
    return this.#size
  }

  get members(): readonly BatchMember[] {
    return [...this.#parts].flatMap(({ members }) => members)
  }

  /** Whether it has members from this queue. */
  has(queue: string): boolean {
    return this.queues.has(queue)
  }

  /** `abort` says that the claim of the part is lost, or the worker gives it up. */
  add(queue: string, members: readonly BatchMember[], abort: AbortController): BatchPart {
    const part: Part = { queue, members, abort, end: Promise.withResolvers() }
    this.#parts.add(part)
    this.queues.add(queue)
    this.#size += members.length
    this.#unsettled += 1
    abort.signal.addEventListener('abort', () => this.#aborted(part), { once: true })
    return {
      deliveries: members.map(({ delivery }) => delivery),
      ended: part.end.promise,
      leave: () => this.#left(),
    }
  }

  /** Calls the handler, by `call`, and tells every part what came of it. */
  async run(call: (members: readonly BatchMember[], abort: AbortController) => Promise<OutcomeOf>): Promise<void> {
    this.isRunning = true
    const began = performance.now()
    const outcomeOf = await call(this.members, this.abort)
    const end = { outcomeOf, tookMs: performance.now() - began }
    for (const part of this.#parts) part.end.resolve(end)
  }

  /** Gives all members back: the handler will not be called. */
  giveBack(): void {
    for (const part of this.#parts) part.end.resolve(null)
    this.#parts.clear()
    this.#size = 0
  }

  /** A part has lost its claim. Before the batch runs, that part leaves; while it runs, the handler goes on for the other parts. */
  #aborted(part: Part): void {
    if (this.isRunning) {
      if ([...this.#parts].every(({ abort }) => abort.signal.aborted)) this.abort.abort(part.abort.signal.reason)
    } else if (this.#parts.delete(part)) {
      this.#size -= part.members.length
      part.end.resolve(null)
    }
  }

  #left(): void {
    this.#unsettled -= 1
    if (this.#unsettled === 0) this.#onOver()
  }
}

interface Part {
  readonly queue: string
  readonly members: readonly BatchMember[]
  readonly abort: AbortController
  readonly end: PromiseWithResolvers<BatchEnd | null>
}
