/**
 * How many attempts of each limited handler run in this worker. The two queues of a handler, with keys and without, share
 * its slots, so their claims take turns: what one of them was told is free must still be so when its deliveries arrive.
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

  /** Runs a claim that takes the slots of what it brings before it returns. Without limits there is nothing to wait for. */
  async claim<Result>(claim: (rooms: readonly HandlerRoom[]) => Promise<Result>): Promise<Result> {
    if (this.#limits.size === 0) return claim([])
    const claimed = this.#turn.then(() => claim(this.#rooms()))
    this.#turn = claimed.catch(() => undefined) // the next in turn has nothing to do with the failure
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

  /** A delivery that gave back its slot earlier counts no longer for the cluster either. */
  settled(handler: string): void {
    if (this.#limits.get(handler)?.cluster !== undefined) this.#tell(handler)
  }

  /** Calls `listener` with each limited handler of which another delivery may now be claimed. */
  onFree(listener: (handler: string) => void): void {
    this.#listeners.push(listener)
  }

  /** Calls `listener` when an attempt that had to wait for its turn begins. */
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

/** Answers the slots of a queue's handlers: the same for the queue with keys and the one without. */
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

/** Of a batch handler so many batches may run at once; how many deliveries that are is for claims. */
function inDeliveries(limit: Limit, batch: Batching | null): Limit {
  return batch && limit.perProcess !== undefined ? { perProcess: limit.perProcess * batch.batchSize } : limit
}
