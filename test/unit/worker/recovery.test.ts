/** The time at which a claim is taken over: by this worker's own clock, and only after looks that were not delayed. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Look, Looking, SilentClaim } from '../../../src/deliveries/delivery-store.ts'
import { Recovery } from '../../../src/worker/recovery.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const silent = (beat: string): SilentClaim => ({ queue: 'events', id: 'a', claim: '1', beat })

test('a claim is taken over when its heartbeat has not moved for 6 s', async () => {
  const { world, lostAt } = watching()
  world.silent = [silent('1')]

  await vi.advanceTimersByTimeAsync(20_000)

  expect(lostAt[0]).toBeGreaterThanOrEqual(6_000)
  expect(lostAt[0]).toBeLessThan(7_100)
})

test('a claim whose heartbeat moves is never taken over, at any age of its last beat', async () => {
  const { world, lostAt } = watching()
  for (let beat = 0; beat < 30; beat += 1) {
    world.silent = [silent(`${beat}`)]
    await vi.advanceTimersByTimeAsync(5_000)
  }

  expect(lostAt).toEqual([])
})

test('a delivery that was claimed again is observed from the beginning', async () => {
  const { world, lostAt } = watching()
  world.silent = [silent('1')]
  await vi.advanceTimersByTimeAsync(4_000)

  world.silent = [{ ...silent('1'), claim: '2' }]
  await vi.advanceTimersByTimeAsync(20_000)

  expect(lostAt[0]).toBeGreaterThanOrEqual(10_000)
})

test('each look that a lock delays restarts the observation', async () => {
  const { world, lostAt } = watching()
  world.silent = [silent('1')]

  for (let held = 0; held < 5; held += 1) {
    await vi.advanceTimersByTimeAsync(5_500)
    world.isDelayed = true
    await vi.advanceTimersByTimeAsync(1_100)
    world.isDelayed = false
  }
  expect(lostAt).toEqual([])
  await vi.advanceTimersByTimeAsync(8_000)

  expect(lostAt[0]).toBeGreaterThan(33_000)
})

test('a single look whose answer takes more than a second restarts the observation', async () => {
  const { world, lostAt } = watching()
  world.silent = [silent('1')]

  for (let held = 0; held < 5; held += 1) {
    await vi.advanceTimersByTimeAsync(4_500)
    world.takesMs = 1_500
    await vi.advanceTimersByTimeAsync(1_100)
    world.takesMs = 10
  }
  expect(lostAt).toEqual([])
  await vi.advanceTimersByTimeAsync(10_000)

  expect(lostAt).toHaveLength(1)
})

test('when every look takes longer than a second, dead workers are still found, later by twice the duration of a look', async () => {
  const { world, lostAt } = watching()
  world.silent = [silent('1')]
  world.takesMs = 3_000

  await vi.advanceTimersByTimeAsync(30_000)

  expect(lostAt).toHaveLength(1)
  expect(lostAt[0]).toBeGreaterThanOrEqual(12_000)
})

test('a look that fails, and fails again at once, restarts the observation', async () => {
  const { world, lostAt } = watching()
  world.silent = [silent('1')]
  await vi.advanceTimersByTimeAsync(5_000)

  world.fails = true
  await vi.advanceTimersByTimeAsync(2_600)
  world.fails = false
  await vi.advanceTimersByTimeAsync(5_000)
  expect(lostAt).toEqual([])
  await vi.advanceTimersByTimeAsync(5_000)

  expect(lostAt).toHaveLength(1)
})

test('a look that fails once, because its connection was cut, changes nothing', async () => {
  const { world, lostAt } = watching()
  world.silent = [silent('1')]

  for (let cut = 0; cut < 5; cut += 1) {
    world.failsOnce = true
    await vi.advanceTimersByTimeAsync(1_500)
  }

  expect(lostAt[0]).toBeLessThan(7_100)
})

test('a process that stood still between two looks restarts the observation', async () => {
  const { world, lostAt, standStill } = watching()
  world.silent = [silent('1')]
  await vi.advanceTimersByTimeAsync(5_000)

  standStill(20_000)
  await vi.advanceTimersByTimeAsync(4_000)

  expect(lostAt).toEqual([])
})

test('a look covers all claims at the start, once a minute, and after a change of the database’s clock', async () => {
  const { world, looks } = watching()
  await vi.advanceTimersByTimeAsync(59_000)
  expect(looks.filter(({ all }) => all)).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(looks.filter(({ all }) => all)).toHaveLength(2)

  world.clockIsAheadS = -60
  await vi.advanceTimersByTimeAsync(6_000)

  expect(looks.filter(({ all }) => all)).toHaveLength(3)
})

test('a database without silent claims is looked at every 2.5 s', async () => {
  const { looks } = watching()

  await vi.advanceTimersByTimeAsync(24_000)

  expect(looks).toHaveLength(10)
})

/** A database with the state that the test sets, and the times at which a claim was reported lost. */
function watching() {
  const world = {
    silent: [] as SilentClaim[],
    isDelayed: false,
    takesMs: 0,
    fails: false,
    failsOnce: false,
    clockIsAheadS: 0,
  }
  const looks: Looking[] = []
  const lostAt: number[] = []
  const began = performance.now()
  let stoodStillMs = 0
  async function recover(looking: Looking): Promise<Look> {
    looks.push(looking)
    if (world.fails) throw new Error('away')
    if (world.failsOnce) {
      world.failsOnce = false
      throw new Error('cut')
    }
    if (world.takesMs > 0) await new Promise((resolve) => void setTimeout(resolve, world.takesMs))
    const { isDelayed, silent: found } = world
    const isThere = (claim: SilentClaim) => found.some(({ beat }) => beat === claim.beat)
    if (!isDelayed && [...looking.lost].some(isThere)) {
      lostAt.push(performance.now() - began)
      world.silent = []
      return { isDelayed, at: at(), silent: [], recovered: [{ queue: 'events', count: 1 }] }
    }
    return { isDelayed, at: at(), silent: isDelayed ? [] : found, recovered: [] }
  }
  const at = () => (performance.now() - began) / 1_000 + world.clockIsAheadS
  const real = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => real() + stoodStillMs)
  const over = new AbortController()
  void new Recovery({ store: { recover }, emit: () => undefined }).run(async () => undefined, over.signal)
  return { world, looks, lostAt, standStill: (ms: number) => (stoodStillMs += ms) }
}
