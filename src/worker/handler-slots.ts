/**
 * Counts how many attempts of each limited handler run in this worker. The two queues of a handler, with keys and without, share
 * its slots, so their claims take turns: the slots that a claim was told are free must still be free when its deliveries arrive.
 */
import type { HandlerRoom } from '../deliveries/delivery.ts'
import type { Batching } from '../handlers/batching.ts'
import type { AnyHandler } from '../handlers/handler.ts'
import { baseQueue } from '../names.ts'
import type { Pacer } from './pacer.ts'

interface Limit {
  readonly perProcess?: number | undefined
  readonly cluster?: number | undefined
}

type Limits = ReadonlyMap<string, Limit>

export class HandlerSlots {
  readonly #limits: Limits
  readonly #taken = new Map<string, number>()
  readonly #pacer: Pacer | null
  readonly #listeners: ((handler: string) => void)[] = []
  #turn: Promise<unknown> = Promise.resolve()

  constructor(limits: Limits, pacer: Pacer | null = null) {
    this.#limits = limits
    this.#pacer = pacer
    pacer?.onRoom((handler) => {
      if (limits.has(handler)) this.#tell(handler)
    })
  }

  /** Whether claims have to take turns. */
  get haveLimits(): boolean {
    return this.#limits.size > 0
  }

  /** Runs a claim, which must take the slots for its deliveries before it returns. Without limits, claims wait for nothing. */
  async claim<Result>(claim: (rooms: readonly HandlerRoom[]) => Promise<Result>): Promise<Result> {
    if (this.#limits.size === 0) return claim([])
    const claimed = this.#turn.then(() => claim(this.#rooms()))
    this.#turn = claimed.catch(() => undefined) // a failure does not concern the next claim
    return claimed
  }

  /** Whether another attempt of this handler may begin in this process. */
  hasRoom(handler: string): boolean {
    const limit = this.#limits.get(handler)
    return limit === undefined || (this.#free(handler, limit) ?? 1) > 0
  }

  take(handler: string): void {
    if (this.#limits.has(handler)) this.#taken.set(handler, this.#takenBy(handler) + 1)
  }

  release(handler: string): void {
    if (!this.#limits.has(handler)) return
    this.#taken.set(handler, this.#takenBy(handler) - 1)
    this.#tell(handler)
  }

  /** Called when a delivery is settled. It gave back its slot earlier; now it no longer counts for the cluster either. */
  settled(handler: string): void {
    if (this.#limits.get(handler)?.cluster !== undefined) this.#tell(handler)
  }

  /** Calls `listener` with a limited handler when another of its deliveries may be claimed. */
  onFree(listener: (handler: string) => void): void {
    this.#listeners.push(listener)
  }

  /** Calls `listener` with a paced handler when one of its attempts stops waiting, or more of its deliveries may be claimed. */
  onTurn(listener: (handler: string) => void): void {
    this.#pacer?.onRoom(listener)
  }

  #rooms(): readonly HandlerRoom[] {
    return Array.from(this.#limits, ([handler, limit]) => ({
      handler,
      free: this.#free(handler, limit),
      cluster: limit.cluster ?? null,
    }))
  }

  #free(handler: string, { perProcess }: Limit): number | null {
    const paced = this.#pacer?.room(handler) ?? null
    if (perProcess === undefined) return paced
    return Math.min(Math.max(0, perProcess - this.#takenBy(handler)), paced ?? Infinity)
  }

  #takenBy(handler: string): number {
    return this.#taken.get(handler) ?? 0
  }

  #tell(handler: string): void {
    for (const listener of this.#listeners) listener(handler)
  }
}

/** Returns a function that returns the slots of a queue's handlers: the same for the queue with keys and the one without. */
export function slotsOfQueues(
  handlers: readonly AnyHandler[],
  pacer: Pacer | null = null,
): (queue: string) => HandlerSlots {
  const slots = new Map<string, HandlerSlots>()
  return (queue) => {
    const base = baseQueue(queue)
    const known = slots.get(base) ?? new HandlerSlots(limitsIn(handlers, base), pacer)
    slots.set(base, known)
    return known
  }
}

function limitsIn(handlers: readonly AnyHandler[], queue: string): Limits {
  return new Map(
    handlers.flatMap(({ name, batch, options: { queue: own, concurrency = {}, rateLimit } }) =>
      own === queue && (rateLimit !== undefined || 'perProcess' in concurrency || 'cluster' in concurrency)
        ? [[name, inDeliveries(concurrency, batch)] as const]
        : [],
    ),
  )
}

/** Converts the limit of a batch handler, which counts batches, into deliveries, which claims count. */
function inDeliveries(limit: Limit, batch: Batching | null): Limit {
  return batch && limit.perProcess !== undefined ? { perProcess: limit.perProcess * batch.batchSize } : limit
}
