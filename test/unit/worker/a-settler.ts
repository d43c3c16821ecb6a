/** A settler with a store in memory, for tests that decide when and how each settle ends. */
import { vi } from 'vitest'
import { NOTHING_SETTLED, type Settled, type Settlement } from '../../../src/deliveries/delivery.ts'
import type { DeliveryStore } from '../../../src/deliveries/delivery-store.ts'
import type { Refused } from '../../../src/worker/refused-settlements.ts'
import { Settler } from '../../../src/worker/settler.ts'
import { aDelivery } from './a-delivery.ts'

/** A store in memory. Each call waits until the test decides how it ends. */
export class Store {
  readonly calls: [queue: string, ids: string[]][] = []
  #last = Promise.withResolvers<Settled>()

  get groups(): string[][] {
    return this.calls.map(([, ids]) => ids)
  }

  settle(queue: string, settlements: readonly Settlement[]): Promise<Settled> {
    this.calls.push([queue, settlements.map(({ delivery }) => delivery.id)])
    this.#last = Promise.withResolvers()
    return this.#last.promise
  }

  answer(ids: readonly string[]): void {
    this.#last.resolve({ ...NOTHING_SETTLED, ours: new Set(ids) })
  }

  fail(error: unknown): void {
    this.#last.reject(error)
  }

  /** Resolves when `settle` was called `times` times. `answer` and `fail` then apply to the latest call. */
  async called(times: number): Promise<void> {
    await vi.waitUntil(() => this.calls.length === times)
  }
}

/** Sends two groups, `a` and `b`. The test answers `b`. */
export async function twoOnTheirWay(store: Store, settler: Settler): Promise<void> {
  void settler.settle(done('a'))
  await store.called(1)
  void settler.settle(done('b'))
  await store.called(2)
}

export function withErrors(store: Pick<DeliveryStore, 'settle'>) {
  const onError = vi.fn<(error: unknown) => void>()
  const onRefused = vi.fn<(refused: readonly Refused[]) => void>()
  const onStored = vi.fn<(settlement: Settlement) => void>()
  return {
    onError,
    onRefused,
    onStored,
    settler: new Settler({ store, queue: 'events', onMore: () => undefined, onError, onRefused, onStored }),
  }
}

export function settlerOf(store: Store): Settler {
  return withErrors(store).settler
}

/** A database that throws the error of `refuses`, if any, and stores everything else. */
export function refusing(refuses: (ids: readonly string[]) => unknown) {
  const groups: string[][] = []
  const store = {
    async settle(_: string, settlements: readonly Settlement[]): Promise<Settled> {
      const ids = settlements.map(({ delivery }) => delivery.id)
      groups.push(ids)
      const error = refuses(ids)
      if (error) throw error
      return { ...NOTHING_SETTLED, ours: new Set(ids) }
    },
  }
  return { store, groups }
}

export function sqlError(code: string): Error {
  return Object.assign(new Error('the letter box is full'), { code, severity: 'ERROR' })
}

export function done(id: string): Settlement {
  return { is: 'done', delivery: aDelivery({ id }) }
}
