/** Waiting for a turn, with times that the test grants. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Granted, Granting } from '../../../src/deliveries/pace.ts'
import { Pacer } from '../../../src/worker/pacer.ts'
import { handlerThat } from '../../support/notes.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const paced = handlerThat(() => undefined, { name: 'mail.paced', rateLimit: { limit: 100, perMs: 1_000 } })
const plain = handlerThat(() => undefined, { name: 'mail.plain' })

test('attempts that come together ask together, and begin in order, each at its time', async () => {
  const asked: Granting[] = []
  const pacer = pacerWith(async (granting) => {
    asked.push(granting)
    return { count: 3, firstMs: 20, nextMs: 50 }
  })
  const began: [number, number][] = []
  const since = performance.now()

  const turns = [1, 2, 3].map(async (n) => {
    expect(await pacer.turn('mail.paced', new AbortController().signal)).toBe(0)
    began.push([n, performance.now() - since])
  })
  await vi.advanceTimersByTimeAsync(100)
  await Promise.all(turns)

  expect(asked.map(({ wanted }) => wanted)).toEqual([3])
  expect(began).toEqual([
    [1, 20],
    [2, 31], // 10 ms and the slack of 2%, in whole milliseconds
    [3, 41],
  ])
})

test('only as many attempts wait as can begin within a moment; later ones are put off, and until then no more are claimed', async () => {
  const pacer = pacerWith(async () => ({ count: 0, firstMs: 900, nextMs: 900 }))
  const freed: string[] = []
  pacer.onRoom((handler) => freed.push(handler))
  expect([pacer.room('mail.paced'), pacer.room('mail.plain')]).toEqual([10, null])

  const turns = [1, 2].map(() => pacer.turn('mail.paced', new AbortController().signal))
  expect(pacer.room('mail.paced')).toBe(8)
  await vi.advanceTimersByTimeAsync(100)
  const [first, second] = await Promise.all(turns)

  expect(first).toBe(900)
  expect(second).toBeGreaterThan(900)
  expect(pacer.room('mail.paced')).toBe(0)
  expect(freed).toEqual(['mail.paced', 'mail.paced'])
})

test('an attempt that is given up stops waiting, and after a failed request the others ask again', async () => {
  const grant = vi.fn<(granting: Granting) => Promise<Granted>>(async () => ({ count: 1, firstMs: 0, nextMs: 10 }))
  grant.mockRejectedValueOnce(new Error('the database is away'))
  const pacer = pacerWith(grant)
  const abort = new AbortController()
  const [given, patient] = [
    pacer.turn('mail.paced', abort.signal),
    pacer.turn('mail.paced', new AbortController().signal),
  ]

  abort.abort()
  await vi.advanceTimersByTimeAsync(10_000)

  expect(await given).toBeGreaterThan(0)
  expect(await patient).toBe(0)
  expect(grant.mock.calls.map(([{ wanted }]) => wanted)).toEqual([1, 1])
})

test('an attempt whose time passed while the event loop stood still asks for another time', async () => {
  vi.useRealTimers()
  const grant = vi.fn<() => Promise<Granted>>(async () => ({ count: 1, firstMs: 5, nextMs: 15 }))
  const pacer = pacerWith(grant)
  const turn = pacer.turn('mail.paced', new AbortController().signal)
  await new Promise((resolve) => setImmediate(resolve))
  expect(grant).toHaveBeenCalledOnce()

  const until = performance.now() + 60
  while (performance.now() < until);
  expect(await turn).toBe(0)

  expect(grant.mock.calls.length).toBeGreaterThanOrEqual(2)
})

function pacerWith(grant: (granting: Granting) => Promise<Granted>): Pacer {
  return new Pacer([paced, plain], { grant })
}
