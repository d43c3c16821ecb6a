/**
 * Our clock, but with the timers that are global at each call, so that a test of our own can replace them:
 * `vi.mock('…/src/clock.ts', () => import('…/test/support/global-clock.ts'))`. The real clock takes its timers once, at the start.
 */
import { vi } from 'vitest'
import type * as clock from '../../src/clock.ts'

type Clock = typeof clock

const taken = await vi.importActual<Clock>('../../src/clock.ts')

export const { now } = taken
export const performance = { now: () => globalThis.performance.now() }
export const setTimeout: Clock['setTimeout'] = inTurn((global) => global.setTimeout)
export const clearTimeout: Clock['clearTimeout'] = (timer) => globalThis.clearTimeout(timer)
export const setInterval: Clock['setInterval'] = inTurn((global) => global.setInterval)
export const clearInterval: Clock['clearInterval'] = (timer) => globalThis.clearInterval(timer)
export const setImmediate: Clock['setImmediate'] = inTurn((global) => global.setImmediate)

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

/** Calls the timer that is global at the time of each call. */
function inTurn<Timer extends (...given: never[]) => unknown>(timer: (global: typeof globalThis) => Timer): Timer {
  return new Proxy(timer(globalThis), { apply: (_, self, given) => Reflect.apply(timer(globalThis), self, given) })
}
