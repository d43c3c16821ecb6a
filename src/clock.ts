/**
 * Time as this process sees it. The database's clock decides when a delivery is due, and when a claim is too old.
 *
 * Postbus takes its own timers and clocks here, once, when the package is loaded. Test runners replace the global timers
 * later (`vi.useFakeTimers()`, jest, sinon, node:test), for the code under test: connections, drains and workers stay in
 * real time. The functions here have the names of the global ones, so a file only has to import them. Only `now()` is the
 * application's clock, so that `occurredAt` is the time that a test has set.
 */
import timers from 'node:timers'

/**
 * From Node's own module: if a test runner replaces the globals before this package is loaded, these are still the real
 * ones.
 */
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } = { ...timers }

/** Milliseconds by a clock that is never set, for measuring how long something takes. */
export const performance = { now: globalThis.performance.now.bind(globalThis.performance) }

const wallClock = Date.now.bind(Date)

/** The current time as the application sees it: under fake timers, the fake time. */
export function now(): Date {
  return new Date()
}

/** Milliseconds since the epoch, by the real clock. */
export function realNowMs(): number {
  return wallClock()
}

/** Resolves after `ms`. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

/** Resolves after `ms`, or at once when `signal` is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
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
