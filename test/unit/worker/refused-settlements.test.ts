import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { done, refusing, sqlError, withErrors } from './a-settler.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe.each(['P0001', '42501', '54000', '53100', '23502', '22P05', 'XX000'])('an outcome refused with %s', (code) => {
  test('frees its slot at once, and the rest of its group is settled without it', async () => {
    const { store, groups } = refusing((ids) => (ids.includes('b') ? sqlError(code) : null))
    const { settler, onError, onRefused } = withErrors(store)

    const settling = Promise.all(['a', 'b', 'c', 'd'].map((id) => settler.settle(done(id))))
    await vi.advanceTimersByTimeAsync(1)

    expect((await settling).map(({ wasOurs, isRefused }) => ({ wasOurs, isRefused }))).toEqual([
      { wasOurs: true, isRefused: false },
      { wasOurs: false, isRefused: true },
      { wasOurs: true, isRefused: false },
      { wasOurs: true, isRefused: false },
    ])
    expect(groups).toEqual([['a', 'b', 'c', 'd'], ['a', 'b'], ['a'], ['b'], ['c', 'd']])
    expect(settler.refused.map(({ id }) => id)).toEqual(['b'])
    expect(onRefused.mock.lastCall?.[0]).toMatchObject([{ settlement: { delivery: { id: 'b' } } }])
    expect(onError).not.toHaveBeenCalled()
    settler.giveUp()
  })
})

test.each(['08006', '40001', '40P01', '53300', '55P03', '57014', '57P01', '25006'])(
  'an error %s is temporary: the group stays together and is tried again',
  async (code) => {
    let isOver = false
    const { store, groups } = refusing(() => (isOver ? null : sqlError(code)))
    const { settler, onError, onRefused } = withErrors(store)
    const settled = Promise.all(['a', 'b'].map((id) => settler.settle(done(id))))
    await vi.advanceTimersByTimeAsync(1)

    isOver = true
    await vi.advanceTimersByTimeAsync(250)

    expect(await settled).toMatchObject([{ wasOurs: true }, { wasOurs: true }])
    expect(groups).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
    expect(onError).toHaveBeenCalledTimes(1)
    expect(onRefused).not.toHaveBeenCalled()
  },
)

test('a refused outcome is tried again at growing intervals, and stored when the database accepts it', async () => {
  let isMended = false
  const { store, groups } = refusing(() => (isMended ? null : sqlError('P0001')))
  const { settler, onRefused, onStored } = withErrors(store)
  void settler.settle(done('a'))

  await vi.advanceTimersByTimeAsync(60_000)
  const tried = groups.length
  isMended = true
  await vi.advanceTimersByTimeAsync(40_000)

  expect(tried).toBeGreaterThanOrEqual(5)
  expect(tried).toBeLessThanOrEqual(8)
  expect(groups).toHaveLength(tried + 1)
  expect(onStored.mock.calls).toMatchObject([[{ is: 'done', delivery: { id: 'a' } }]])
  expect(onRefused.mock.lastCall).toEqual([[]])
  expect(settler.refused).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})

test('one of many refused outcomes is tried each time, and when it is stored all others follow', async () => {
  let isMended = false
  const { store, groups } = refusing(() => (isMended ? null : sqlError('53100')))
  const { settler } = withErrors(store)
  for (let n = 0; n < 100; n += 1) void settler.settle(done(`${n}`))
  await vi.advanceTimersByTimeAsync(1)
  const atFirst = groups.length

  await vi.advanceTimersByTimeAsync(1_500)
  expect(groups.slice(atFirst)).toEqual([['0']])
  isMended = true
  await vi.advanceTimersByTimeAsync(3_000)

  expect(groups.slice(atFirst + 1).map((group) => group.length)).toEqual([1, 99])
  expect(settler.refused).toEqual([])
})

test('a stop tries a refused outcome once more, and then leaves it', async () => {
  const { store, groups } = refusing(() => sqlError('P0001'))
  const { settler } = withErrors(store)
  void settler.settle(done('a'))
  await vi.advanceTimersByTimeAsync(1)
  const before = groups.length

  await settler.tryRefused()
  settler.giveUp()
  await vi.advanceTimersByTimeAsync(120_000)

  expect(groups).toHaveLength(before + 1)
  expect(vi.getTimerCount()).toBe(0)
})

test('beyond a thousand refused outcomes, each keeps its slot until it is stored', async () => {
  let isMended = false
  const { store } = refusing(() => (isMended ? null : sqlError('P0001')))
  const { settler } = withErrors(store)
  let freed = 0
  for (let n = 0; n < 1_200; n += 1) void settler.settle(done(`${n}`)).then(() => (freed += 1))
  await vi.advanceTimersByTimeAsync(10)
  expect(freed).toBe(1_000)

  isMended = true
  await vi.advanceTimersByTimeAsync(3_000)

  expect(freed).toBe(1_200)
})
