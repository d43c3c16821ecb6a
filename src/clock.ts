/**
 * Time as this process sees it. When a delivery is due, and when a claim is too old, is for the database's clock to say.
 *
 * The timers and clocks of our own work are taken here, once, when the package is loaded. Test runners replace the global
 * ones later (`vi.useFakeTimers()`, jest, sinon, node:test), for the code under test: connections, drains and workers go
 * on in real time. They have the names of the global ones: importing them is all that a file has to do. Only `now()` is
 * the application's clock, so that `occurredAt` is the time that a test has set.
 */
import timers from 'node:timers'

/** From Node's own module: where a runner fakes the globals before anything is loaded, these are still the real ones. */
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } = { ...timers }

/** Milliseconds by a clock that nothing sets, for measuring how long something takes. */
export const performance = { now: globalThis.performance.now.bind(globalThis.performance) }

const wallClock = Date.now.bind(Date)

/** The current time as the application sees it: under fake timers, theirs. */
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
