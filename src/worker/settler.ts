/**
 * Settles a queue's finished attempts in groups: at once when no settle is in flight, else with everything that
 * finished until it came back. A finished attempt is not forgotten when the database is away: it is tried until it
 * is settled or the worker is gone.
 */
import type { DeliveryStore, Settlement } from '../backend.ts'
import { retryDelays } from './retry-delays.ts'

const MAX_GROUP = 500

export interface SettlerOptions {
  readonly store: Pick<DeliveryStore, 'settle'>
  readonly queue: string
  /** The database did not answer; it is tried again. */
  onError(error: unknown): void
  /** The database refuses this settlement for good. */
  onRefused(settlement: Settlement, error: unknown): void
}

interface Waiting {
  readonly settlement: Settlement
  readonly resolve: (wasOurs: boolean) => void
}

export class Settler {
  readonly #store: Pick<DeliveryStore, 'settle'>
  readonly #queue: string
  readonly #onError: SettlerOptions['onError']
  readonly #onRefused: SettlerOptions['onRefused']
  readonly #givenUp = new AbortController()
  #waiting: Waiting[] = []
  #flushing: Promise<void> | null = null

  constructor({ store, queue, onError, onRefused }: SettlerOptions) {
    this.#store = store
    this.#queue = queue
    this.#onError = onError
    this.#onRefused = onRefused
  }

  /** Resolves when the attempt is settled: whether its claim was still ours. Never rejects. */
  settle(settlement: Settlement): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push({ settlement, resolve })
      this.#flushing ??= this.#flush()
    })
  }

  /** Resolves when everything handed in so far is settled, or given up. */
  async empty(): Promise<void> {
    await this.#flushing
  }

  /** Stops trying. What is not settled by now is left for recovery to find. */
  giveUp(): void {
    this.#givenUp.abort()
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_GROUP)
      const ours = await this.#settleGroup(group.map((one) => one.settlement))
      for (const { settlement, resolve } of group) resolve(ours.has(settlement.delivery.id))
    }
    this.#flushing = null
  }

  async #settleGroup(settlements: readonly Settlement[]): Promise<ReadonlySet<string>> {
    const delays = retryDelays(this.#givenUp.signal)
    while (!this.#givenUp.signal.aborted) {
      try {
        return await this.#store.settle(this.#queue, settlements)
      } catch (error) {
        if (isRefusal(error)) return this.#settleEach(settlements, error)
        this.#onError(error)
        await delays.next()
      }
    }
    return new Set()
  }

  /** The database refuses something in the group: the others must not suffer for it. What is refused is left for recovery. */
  async #settleEach(settlements: readonly Settlement[], refusal: unknown): Promise<ReadonlySet<string>> {
    const [only, ...others] = settlements
    if (!only) return new Set()
    if (others.length === 0) {
      this.#onRefused(only, refusal)
      return new Set()
    }
    const settled = new Set<string>()
    for (const settlement of settlements) {
      for (const id of await this.#settleGroup([settlement])) settled.add(id)
    }
    return settled
  }
}

/** SQLSTATE classes 22 and 23: the values themselves cannot be stored, however often it is tried. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^2[23][0-9A-Z]{3}$/.test(String(error.code))
}
