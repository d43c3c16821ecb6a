/**
 * The batches of one worker. Its dispatchers hand in what they have claimed for batch handlers; a batch may hold deliveries with keys and
 * without, from both queues of its handler.
 *
 * However large it is, a batch takes one slot of each queue that its members come from, from the moment in which it could begin until
 * all of it is settled. While it gathers, it takes none, so that a batch can have more events than the queue has slots.
 */
import type { BatchAttempts } from '../../attempt/batch-attempt.ts'
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'
import type { Batch, BatchPart } from './batch.ts'
import { HandlerBatches } from './handler-batches.ts'

export class Batches {
  readonly #attempts: BatchAttempts
  readonly #byHandler = new Map<string, HandlerBatches | null>()
  #all: readonly HandlerBatches[] = []
  readonly #begun = new Set<Batch>()
  /** For each queue, a function that tells whether it has a free slot. */
  readonly #hasSlot = new Map<string, () => boolean>()

  constructor(attempts: BatchAttempts) {
    this.#attempts = attempts
  }

  /** Batches with members from this queue begin when `hasSlot` says so. */
  serve(queue: string, hasSlot: () => boolean): void {
    this.#hasSlot.set(queue, hasSlot)
  }

  /** Whether deliveries of this handler go into batches. */
  isFor(handler: string): boolean {
    return this.#batchesOf(handler) !== null
  }

  /** How many events a batch of this handler may have. */
  sizeOf(handler: string): number {
    return this.#attempts.handlerNamed(handler)?.batch?.batchSize ?? 1
  }

  /** Returns the number of slots of this queue that batches have taken. */
  begunIn(queue: string): number {
    let count = 0
    for (const batch of this.#begun) if (batch.has(queue)) count += 1
    return count
  }

  /** Returns the number of ready batches that wait for a slot of this queue. */
  readyIn(queue: string): number {
    let count = 0
    for (const batches of this.#all) count += batches.readyIn(queue)
    return count
  }

  /** Puts claimed deliveries into a batch: see `HandlerBatches.add`. All of them are of one handler and, if there are several, of one lane. */
  add(queue: string, deliveries: readonly ClaimedDelivery[], abort: AbortController): BatchPart | null {
    const [first] = deliveries
    return (first && this.#batchesOf(first.handler)?.add(queue, deliveries, abort)) ?? null
  }

  /** A slot may be free. */
  pump(): void {
    for (const batches of this.#all) batches.pump()
  }

  /** Called when nothing more will come soon: gathered batches wait no longer. */
  flush(): void {
    for (const batches of this.#all) batches.flush()
  }

  /** Gives back all batches that have not begun. */
  stop(): void {
    for (const batches of this.#all) batches.stop()
  }

  #batchesOf(name: string): HandlerBatches | null {
    const known = this.#byHandler.get(name)
    if (known !== undefined) return known
    const made = this.#newBatchesOf(name)
    this.#byHandler.set(name, made)
    if (made) this.#all = [...this.#all, made]
    return made
  }

  #newBatchesOf(name: string): HandlerBatches | null {
    const handler = this.#attempts.handlerNamed(name)
    if (!handler?.batch) return null
    const parts = {
      handler,
      attempts: this.#attempts,
      hasSlot: (queues: ReadonlySet<string>) => [...queues].every((queue) => this.#hasSlot.get(queue)?.() ?? true),
      onBegun: (batch: Batch) => void this.#begun.add(batch),
      onOver: (batch: Batch) => {
        this.#begun.delete(batch)
        this.pump()
      },
    }
    return new HandlerBatches(parts, handler.batch)
  }
}

/** For a dispatcher that has no worker around it, and no batch handlers. */
export function noBatches(): Batches {
  return new Batches({
    handlerNamed: () => null,
    open: () => null,
    run: async () => () => Promise.reject(new Error('There are no batch handlers.')),
  })
}
