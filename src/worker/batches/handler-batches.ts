/**
 * The batches of one handler in this worker. A batch gathers events until it is full, or `maxWaitMs` have passed since its first
 * event. A batch that is not full goes on gathering while it waits for its turn.
 */
import { clearTimeout, setTimeout } from '../../clock.ts'
import type { BatchMember } from '../../attempt/batch-member.ts'
import type { BatchAttempts } from '../../attempt/batch-attempt.ts'
import type { ClaimedDelivery } from '../../deliveries/delivery.ts'
import type { Batching } from '../../handlers/batching.ts'
import type { AnyHandler } from '../../handlers/handler.ts'
import { Batch, type BatchPart } from './batch.ts'
import { isBatchOfOne } from './batch-of-one.ts'

export interface HandlerBatchesParts {
  readonly handler: AnyHandler
  readonly attempts: BatchAttempts
  /** Whether a batch with members from these queues finds a slot in each. */
  hasSlot(queues: ReadonlySet<string>): boolean
  onBegun(batch: Batch): void
  /** Called when all of the batch is settled. */
  onOver(batch: Batch): void
}

export class HandlerBatches {
  readonly #parts: HandlerBatchesParts
  readonly #batching: Batching
  /** How many batches may run at once. */
  readonly #limit: number
  #gathering: Batch | null = null
  #timer: NodeJS.Timeout | undefined
  #isDue = false
  /** The closed batches, to which nothing is added any more, oldest first. */
  #full: Batch[] = []
  #running = 0

  constructor(parts: HandlerBatchesParts, batching: Batching) {
    this.#parts = parts
    this.#batching = batching
    this.#limit = parts.handler.options.concurrency?.perProcess ?? Infinity
  }

  /** Returns the number of batches that wait for their turn and will take a slot of this queue. */
  readyIn(queue: string): number {
    const ready = this.#isDue && this.#gathering ? [...this.#full, this.#gathering] : this.#full
    return ready.filter((batch) => batch.has(queue)).length
  }

  /**
   * Puts as many of these deliveries into a batch as it has room for, in order, and at least the first. Returns `null` when the first
   * cannot be in a batch, because the handler must not be called for it.
   */
  add(queue: string, deliveries: readonly ClaimedDelivery[], abort: AbortController): BatchPart | null {
    const [first] = deliveries
    const opened = first && this.#parts.attempts.open(first, this.#parts.handler)
    if (!opened) return null
    if (this.#isAlone(first)) return this.#addAlone(queue, opened, abort)

    const batch = (this.#gathering ??= this.#newBatch())
    const part = batch.add(queue, [opened, ...this.#openedBehind(first, deliveries, batch)], abort)
    if (batch.size >= this.#batching.batchSize) this.#close(batch)
    else if (this.#timer === undefined && !this.#isDue)
      this.#timer = setTimeout(() => this.flush(), this.#batching.maxWaitMs)
    this.pump()
    return part
  }

  /** Makes the gathering batch ready: it no longer waits for more events. */
  flush(): void {
    if (this.#gathering === null) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isDue = true
    this.pump()
  }

  /** Begins what can begin. */
  pump(): void {
    for (let next = this.#full[0]; next && this.#mayBegin(next); next = this.#full[0]) {
      this.#full.shift()
      this.#begin(next)
    }
    const gathered = this.#gathering
    if (!gathered || !this.#isDue || this.#full.length > 0 || !this.#mayBegin(gathered)) return
    this.#close(gathered)
    this.#full.shift()
    this.#begin(gathered)
  }

  /** Gives back the batches that have not begun. */
  stop(): void {
    if (this.#gathering) this.#close(this.#gathering)
    for (const batch of this.#full.splice(0)) batch.giveBack()
  }

  /** Opens the deliveries behind the first, up to one that cannot be in the same batch. */
  #openedBehind(head: ClaimedDelivery, deliveries: readonly ClaimedDelivery[], batch: Batch): readonly BatchMember[] {
    const { attempts, handler } = this.#parts
    const room = this.#batching.batchSize - batch.size
    const members: BatchMember[] = []
    for (const delivery of deliveries.slice(1, room)) {
      const opened = this.#isAlone(delivery) ? null : attempts.open(delivery, handler)
      if (!opened) break
      members.push({ ...opened, head })
    }
    return members
  }

  #isAlone(delivery: ClaimedDelivery): boolean {
    return isBatchOfOne(delivery, this.#parts.handler.options.maxAttempts)
  }

  #addAlone(queue: string, member: BatchMember, abort: AbortController): BatchPart {
    const batch = this.#newBatch()
    const part = batch.add(queue, [member], abort)
    this.#full.push(batch)
    this.pump()
    return part
  }

  #newBatch(): Batch {
    const batch: Batch = new Batch(() => this.#parts.onOver(batch))
    return batch
  }

  /** Nothing is added to it any more. */
  #close(batch: Batch): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isDue = false
    this.#gathering = null
    this.#full.push(batch)
  }

  #mayBegin(batch: Batch): boolean {
    return batch.size === 0 || (this.#running < this.#limit && this.#parts.hasSlot(batch.queues))
  }

  #begin(batch: Batch): void {
    if (batch.size === 0) return // all of its claims were lost before
    this.#running += 1
    this.#parts.onBegun(batch)
    void this.#run(batch)
  }

  async #run(batch: Batch): Promise<void> {
    const { attempts, handler } = this.#parts
    await batch.run((members, abort) => attempts.run(handler, members, abort))
    this.#running -= 1
    this.pump()
  }
}
