import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Settled, Settlement } from '../../../src/backend.ts'
import { Settler } from '../../../src/worker/settler.ts'
import { aDelivery } from './a-delivery.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a finished attempt', () => {
  test('is settled at once when nothing else is', async () => {
    const store = new Store()
    const settler = settlerOf(store)

    const settled = settler.settle(done('a'))
    store.answer(['a'])

    await expect(settled).resolves.toMatchObject({ wasOurs: true })
    expect(store.calls).toEqual([['events', ['a']]])
  })

  test('waits while others are being settled, and is then settled together with all that came meanwhile', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    const settled = ['a', 'b', 'c', 'd'].map((id) => settler.settle(done(id)))

    store.answer(['a'])
    await store.called(2)
    store.answer(['b', 'c', 'd'])
    await Promise.all(settled)

    expect(store.groups).toEqual([['a'], ['b', 'c', 'd']])
  })

  test('is settled at once again after a group has ended', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    const first = settler.settle(done('a'))
    store.answer(['a'])
    await first

    const second = settler.settle(done('b'))
    store.answer(['b'])

    await expect(second).resolves.toMatchObject({ wasOurs: true })
  })

  test('is settled in a group of at most 500', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    const settled = [settler.settle(done('a')), ...Array.from({ length: 501 }, (_, n) => settler.settle(done(`${n}`)))]

    for (const call of [1, 2, 3]) {
      await store.called(call)
      store.answer(store.groups[call - 1] ?? [])
    }
    await Promise.all(settled)

    expect(store.groups.map((group) => group.length)).toEqual([1, 500, 1])
  })

  test('hears whether its claim was still ours, each for itself', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    const settled = ['a', 'b', 'c'].map((id) => settler.settle(done(id)))

    store.answer([])
    await store.called(2)
    store.answer(['c'])

    await expect(Promise.all(settled)).resolves.toMatchObject([
      { wasOurs: false },
      { wasOurs: false },
      { wasOurs: true },
    ])
  })
})

describe('a database that is away', () => {
  test('is asked again until it answers, and each failure is told', async () => {
    const store = new Store()
    const { onError, settler } = withErrors(store)
    const failures = [new Error('first'), new Error('second')]
    const settled = settler.settle(done('a'))

    store.fail(failures[0])
    await vi.advanceTimersByTimeAsync(250)
    store.fail(failures[1])
    await vi.advanceTimersByTimeAsync(500)
    store.answer(['a'])

    await expect(settled).resolves.toMatchObject({ wasOurs: true })
    expect(store.groups).toEqual([['a'], ['a'], ['a']])
    expect(onError.mock.calls).toEqual(failures.map((failure) => [failure]))
  })

  test('is left alone for a while between two tries', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    void settler.settle(done('a'))

    store.fail(new Error('away'))
    await vi.advanceTimersByTimeAsync(149)

    expect(store.calls).toHaveLength(1)
  })

  test('keeps later attempts waiting, and loses none of them', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    const settled = [settler.settle(done('a')), settler.settle(done('b'))]

    store.fail(new Error('away'))
    await vi.advanceTimersByTimeAsync(250)
    store.answer(['a'])
    await store.called(3)
    store.answer(['b'])

    await expect(Promise.all(settled)).resolves.toMatchObject([{ wasOurs: true }, { wasOurs: true }])
  })
})

describe('giving up', () => {
  test('ends the tries: what is not settled by then was not ours', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    const settled = [settler.settle(done('a')), settler.settle(done('b'))]
    store.fail(new Error('away'))
    await vi.advanceTimersByTimeAsync(1)

    settler.giveUp()

    await expect(Promise.all(settled)).resolves.toMatchObject([{ wasOurs: false }, { wasOurs: false }])
    expect(store.groups).toEqual([['a']])
  })

  test('still hears the answer of a settle that is on its way', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    const settled = settler.settle(done('a'))

    settler.giveUp()
    store.answer(['a'])

    await expect(settled).resolves.toMatchObject({ wasOurs: true })
  })

  test('leaves no timer behind', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    const settled = settler.settle(done('a'))
    store.fail(new Error('away'))
    await vi.advanceTimersByTimeAsync(1)

    settler.giveUp()
    await settled

    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('an outcome that the database refuses', () => {
  test('is told, and the others of its group are settled without it', async () => {
    const store = new Store()
    const { settler, onRefused, onError } = withErrors(store)
    const refusal = Object.assign(new Error('null value in column'), { code: '23502' })
    const settled = ['a', 'b', 'c'].map((id) => settler.settle(done(id)))

    store.answer(['a'])
    await store.called(2)
    store.fail(refusal)
    await store.called(3)
    store.fail(refusal)
    await store.called(4)
    store.answer(['c'])

    await expect(Promise.all(settled)).resolves.toMatchObject([
      { wasOurs: true },
      { wasOurs: false },
      { wasOurs: true },
    ])
    expect(store.groups).toEqual([['a'], ['b', 'c'], ['b'], ['c']])
    expect(onRefused.mock.calls.map(([{ delivery }, error]) => [delivery.id, error])).toEqual([['b', refusal]])
    expect(onError).not.toHaveBeenCalled()
  })
})

/** A store in memory: each call waits until the test says how it ends. */
class Store {
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
    this.#last.resolve({ ours: new Set(ids), next: new Map(), more: false })
  }

  fail(error: unknown): void {
    this.#last.reject(error)
  }

  async called(times: number): Promise<void> {
    await vi.waitUntil(() => this.calls.length === times)
  }
}

function withErrors(store: Store) {
  const onError = vi.fn<(error: unknown) => void>()
  const onRefused = vi.fn<(settlement: Settlement, error: unknown) => void>()
  return {
    onError,
    onRefused,
    settler: new Settler({ store, queue: 'events', onMore: () => undefined, onError, onRefused }),
  }
}

function settlerOf(store: Store): Settler {
  return withErrors(store).settler
}

function done(id: string): Settlement {
  return { is: 'done', delivery: aDelivery({ id }) }
}
