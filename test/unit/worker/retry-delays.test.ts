import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { sleep } from '../../../src/clock.ts'
import { retryDelays } from '../../../src/worker/retry-delays.ts'

vi.mock('../../../src/clock.ts', () => import('../../support/global-clock.ts'))

beforeEach(() => vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('the delays between tries', () => {
  test('double from 0.2 s up to 4 s', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const delays = retryDelays(new AbortController().signal)

    const waited = await inTurn(7, () => delays.next())

    expect(waited).toEqual([200, 400, 800, 1_600, 3_200, 4_000, 4_000])
  })

  test('vary by up to a quarter, down and up', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValueOnce(0).mockReturnValueOnce(1)
    const signal = new AbortController().signal

    const waited = await inTurn(2, () => retryDelays(signal).next())

    expect(random).toHaveBeenCalledTimes(2)
    expect(waited).toEqual([150, 250])
  })

  test('start again at 0.2 s after a success', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const delays = retryDelays(new AbortController().signal)
    await inTurn(3, () => delays.next())

    delays.reset()
    const waited = await inTurn(2, () => delays.next())

    expect(waited).toEqual([200, 400])
  })
})

describe('sleep', () => {
  test('ends at once when its signal is aborted', async () => {
    const unwanted = new AbortController()
    const awake = vi.fn<() => void>()
    void sleep(60_000, unwanted.signal).then(awake)

    unwanted.abort()
    await vi.advanceTimersByTimeAsync(0)

    expect(awake).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('does not begin when its signal was aborted before', async () => {
    await sleep(60_000, AbortSignal.abort())

    expect(vi.getTimerCount()).toBe(0)
  })

  test('leaves no listener on the signal', async () => {
    const { signal } = new AbortController()
    const removed = vi.spyOn(signal, 'removeEventListener')

    const slept = sleep(10, signal)
    await vi.advanceTimersByTimeAsync(10)
    await slept

    expect(removed).toHaveBeenCalledWith('abort', expect.any(Function))
  })
})

/** The duration of each of several waits, in milliseconds. */
async function inTurn(times: number, wait: () => Promise<void>): Promise<readonly number[]> {
  const waited: number[] = []
  for (let time = 0; time < times; time += 1) {
    const since = Date.now()
    const waiting = wait()
    await vi.runAllTimersAsync()
    await waiting
    waited.push(Date.now() - since)
  }
  return waited
}
