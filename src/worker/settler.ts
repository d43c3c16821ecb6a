/**
 * Settles a queue's finished attempts in groups: at once when no settle is in flight, else with everything that
 * finished until it came back. A finished attempt is not forgotten when the database is away: it is tried until it
 * is settled or the worker is gone.
 */
import type { DeliveryStore, Settlement } from '../backend.ts'
import { retryDelays } from './retry-delays.ts'

const MAX_GROUP = 500

interface Waiting {
  readonly settlement: Settlement
  readonly resolve: (wasOurs: boolean) => void
}

export class Settler {
  readonly #store: Pick<DeliveryStore, 'settle'>
  readonly #queue: string
  readonly #onError: (error: unknown) => void
  readonly #givenUp = new AbortController()
  #waiting: Waiting[] = []
  #flushing = false

  constructor(store: Pick<DeliveryStore, 'settle'>, queue: string, onError: (error: unknown) => void) {
    this.#store = store
    this.#queue = queue
    this.#onError = onError
  }

  /** Resolves when the attempt is settled: whether its claim was still ours. Never rejects. */
  settle(settlement: Settlement): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push({ settlement, resolve })
      void this.#flush()
    })
  }

  /** Stops trying. What is not settled by now is left for recovery to find. */
  giveUp(): void {
    this.#givenUp.abort()
  }

  async #flush(): Promise<void> {
    if (this.#flushing) return
    this.#flushing = true
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_GROUP)
      const ours = await this.#settleGroup(group.map((one) => one.settlement))
      for (const { settlement, resolve } of group) resolve(ours.has(settlement.delivery.id))
    }
    this.#flushing = false
  }

  async #settleGroup(settlements: readonly Settlement[]): Promise<ReadonlySet<string>> {
    const delays = retryDelays(this.#givenUp.signal)
    while (!this.#givenUp.signal.aborted) {
      try {
        return await this.#store.settle(this.#queue, settlements)
      } catch (error) {
        this.#onError(error)
        await delays.next()
      }
    }
    return new Set()
  }
}
