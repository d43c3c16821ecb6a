/** The times at which a worker prunes: at its start, again while there is more, and then after a pause; never with unlimited retention. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Pruned, Pruning } from '../../../src/deliveries/delivery-store.ts'
import { keepPruned } from '../../../src/worker/pruning.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

const DAY_MS = 86_400_000
const NOTHING: Pruned = { events: 0, more: false }

beforeEach(() => void vi.useFakeTimers())

afterEach(() => void vi.useRealTimers())

test('pruning goes on while there is more, then pauses, and reports the number of pruned events', async () => {
  const { asked, signals, over } = pruning([
    { events: 7, more: true },
    { events: 0, more: true },
    { events: 2, more: false },
  ])

  await vi.advanceTimersByTimeAsync(9_000)
  expect(asked.map(({ everyMs }) => everyMs)).toEqual([10_000, 0, 0])
  expect(signals).toEqual(['debug event.pruned 9 events were pruned.'])

  await vi.advanceTimersByTimeAsync(2_000)
  expect(asked).toHaveLength(4)
  over.abort()
})

test.each([
  [1_000, 1_000],
  [60_000, 6_000],
  [30 * DAY_MS, 10_000],
])('with a retention of %i ms it prunes every %i ms', async (retentionMs, everyMs) => {
  const { asked, over } = pruning([], retentionMs)

  await vi.advanceTimersByTimeAsync(everyMs * 5 + 10)

  expect(asked).toEqual(Array.from({ length: 6 }, () => ({ retentionMs, everyMs })))
  over.abort()
})

test('with unlimited retention it never prunes', async () => {
  const { asked } = pruning([], null)

  await vi.advanceTimersByTimeAsync(DAY_MS)

  expect(asked).toEqual([])
})

test('a failure is reported once, and pruning is tried again', async () => {
  const { asked, signals, over } = pruning([new Error('no'), new Error('still no'), NOTHING, new Error('again')])

  await vi.advanceTimersByTimeAsync(35_000)

  expect(asked).toHaveLength(4)
  expect(signals).toEqual([
    'warn pruning.failed Old events could not be pruned: no',
    'warn pruning.failed Old events could not be pruned: again',
  ])
  over.abort()
})

test('pruning ends with the worker, even if there is more to prune', async () => {
  const { asked, over, ended } = pruning(Array.from({ length: 100 }, () => ({ events: 1, more: true })))
  await vi.advanceTimersByTimeAsync(0)
  const before = asked.length

  over.abort()
  await vi.advanceTimersByTimeAsync(1) // the answer that is on its way
  await ended

  expect(asked.length).toBeLessThanOrEqual(before + 1)
})

/** Pruning that gets these answers in order, and afterwards finds nothing. */
function pruning(answers: readonly (Pruned | Error)[], retentionMs: number | null = 30 * DAY_MS) {
  const asked: Pruning[] = []
  const signals: string[] = []
  const over = new AbortController()
  const store = {
    async prune(how: Pruning): Promise<Pruned> {
      const answer = answers[asked.push(how) - 1] ?? NOTHING
      if (answer instanceof Error) throw answer
      await new Promise((resolve) => setTimeout(resolve, 1))
      return answer
    },
  }
  const ended = keepPruned(
    { store, retentionMs, emit: (level, name, message) => void signals.push(`${level} ${name} ${message}`) },
    over.signal,
  )
  return { asked, signals, over, ended }
}
