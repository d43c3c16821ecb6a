/**
 * Our clock with the timers that are global at the moment, so that a test of our own can move them:
 * `vi.mock('…/src/clock.ts', () => import('…/test/support/global-clock.ts'))`. The real one takes its timers at the start.
 */
import { vi } from 'vitest'

type Clock = typeof import('../../src/clock.ts')

const taken = await vi.importActual<Clock>('../../src/clock.ts')

export const { now } = taken
export const performance = { now: () => globalThis.performance.now() }
export const setTimeout = ((...given: Parameters<typeof globalThis.setTimeout>) =>
  globalThis.setTimeout(...given)) as Clock['setTimeout']
export const clearTimeout: Clock['clearTimeout'] = (timer) => globalThis.clearTimeout(timer)
export const setInterval = ((...given: Parameters<typeof globalThis.setInterval>) =>
  globalThis.setInterval(...given)) as Clock['setInterval']
export const clearInterval: Clock['clearInterval'] = (timer) => globalThis.clearInterval(timer)
export const setImmediate = ((...given: Parameters<typeof globalThis.setImmediate>) =>
  globalThis.setImmediate(...given)) as Clock['setImmediate']

export const realNowMs: Clock['realNowMs'] = () => Date.now()

export const delay: Clock['delay'] = (ms) => sleep(ms, new AbortController().signal)

export const sleep: Clock['sleep'] = (ms, signal) => {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
