import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { done, settlerOf, Store, twoOnTheirWay, withErrors } from './a-settler.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a finished attempt', () => {
  test('is settled with all others that finish in the same turn of the event loop', async () => {
    const store = new Store()
    const settler = settlerOf(store)

    const settled = ['a', 'b', 'c'].map((id) => settler.settle(done(id)))
    await store.called(1)
    store.answer(['a', 'b', 'c'])
    await Promise.all(settled)

    expect(store.calls).toEqual([['events', ['a', 'b', 'c']]])
  })

  test('is settled in a second group while one group is on its way', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    void settler.settle(done('a'))
    await store.called(1)

    const settled = settler.settle(done('b'))
    await store.called(2)
    store.answer(['b'])

    await expect(settled).resolves.toMatchObject({ wasOurs: true })
    expect(store.groups).toEqual([['a'], ['b']])
  })

  test('waits while two groups are on their way, and is then settled with all others that finished meanwhile', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    await twoOnTheirWay(store, settler)

    const settled = ['c', 'd', 'e'].map((id) => settler.settle(done(id)))
    await vi.advanceTimersByTimeAsync(1)
    expect(store.groups).toEqual([['a'], ['b']])
    store.answer(['b'])
    await store.called(3)
    store.answer(['c', 'd', 'e'])
    await Promise.all(settled)

    expect(store.groups).toEqual([['a'], ['b'], ['c', 'd', 'e']])
  })

  test('is settled in one of two halves when many finish together', async () => {
    const store = new Store()
    const settler = settlerOf(store)

    for (let n = 0; n < 60; n += 1) void settler.settle(done(`${n}`))
    await store.called(2)

    expect(store.groups.map((group) => group.length)).toEqual([30, 30])
  })

  test('is settled in a group of at most 500', async () => {
    const store = new Store()
    const settler = settlerOf(store)

    for (let n = 0; n < 1_201; n += 1) void settler.settle(done(`${n}`))
    await store.called(2)
    store.answer(store.groups[1] ?? [])
    await store.called(3)

    expect(store.groups.map((group) => group.length)).toEqual([500, 500, 201])
  })

  test('is settled in one group when there are too few for two round trips', async () => {
    const store = new Store()
    const settler = settlerOf(store)

    for (let n = 0; n < 20; n += 1) void settler.settle(done(`${n}`))
    await store.called(1)

    expect(store.groups.map((group) => group.length)).toEqual([20])
  })

  test('learns whether its own claim was still ours', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    const settled = ['a', 'b', 'c'].map((id) => settler.settle(done(id)))

    await store.called(1)
    store.answer(['c'])

    await expect(Promise.all(settled)).resolves.toMatchObject([
      { wasOurs: false },
      { wasOurs: false },
      { wasOurs: true },
    ])
  })

  test('is included in `empty()`, which waits until nothing is left to settle', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    let isEmpty = false
    void settler.settle(done('a'))
    const empty = settler.empty().then(() => (isEmpty = true))
    await store.called(1)
    expect(isEmpty).toBe(false)

    store.answer(['a'])
    await empty

    expect(isEmpty).toBe(true)
  })
})

describe('a database that is away', () => {
  test('is tried again until it answers, and each failure is reported', async () => {
    const store = new Store()
    const { onError, settler } = withErrors(store)
    const failures = [new Error('first'), new Error('second')]
    const settled = settler.settle(done('a'))
    await store.called(1)

    store.fail(failures[0])
    await vi.advanceTimersByTimeAsync(250)
    store.fail(failures[1])
    await vi.advanceTimersByTimeAsync(500)
    store.answer(['a'])

    await expect(settled).resolves.toMatchObject({ wasOurs: true })
    expect(store.groups).toEqual([['a'], ['a'], ['a']])
    expect(onError.mock.calls).toEqual(failures.map((failure) => [failure]))
  })

  test('gets a pause between two tries', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    void settler.settle(done('a'))
    await store.called(1)

    store.fail(new Error('away'))
    await vi.advanceTimersByTimeAsync(149)

    expect(store.calls).toHaveLength(1)
  })

  test('keeps later attempts waiting, and none of them is lost', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    await twoOnTheirWay(store, settler)
    const later = settler.settle(done('c'))

    store.fail(new Error('away'))
    await vi.advanceTimersByTimeAsync(250)
    store.answer(['b'])
    await store.called(4)
    store.answer(['c'])

    await expect(later).resolves.toMatchObject({ wasOurs: true })
    expect(store.groups).toEqual([['a'], ['b'], ['b'], ['c']])
  })
})

describe('giving up', () => {
  test('ends the tries, and everything unsettled counts as not ours', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    const settled = [settler.settle(done('a')), settler.settle(done('b'))]
    await store.called(1)
    store.fail(new Error('away'))
    await vi.advanceTimersByTimeAsync(1)

    settler.giveUp()

    await expect(Promise.all(settled)).resolves.toMatchObject([{ wasOurs: false }, { wasOurs: false }])
    expect(store.groups).toEqual([['a', 'b']])
  })

  test('still uses the answer of a settle that is on its way', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    const settled = settler.settle(done('a'))
    await store.called(1)

    settler.giveUp()
    store.answer(['a'])

    await expect(settled).resolves.toMatchObject({ wasOurs: true })
  })

  test('leaves no timer behind', async () => {
    const store = new Store()
    const settler = settlerOf(store)
    const settled = settler.settle(done('a'))
    await store.called(1)
    store.fail(new Error('away'))
    await vi.advanceTimersByTimeAsync(1)

    settler.giveUp()
    await settled

    expect(vi.getTimerCount()).toBe(0)
  })
})
