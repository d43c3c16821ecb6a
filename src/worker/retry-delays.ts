/** Waiting, in the two ways a worker does: longer each time something fails, or until something happens. */

const FIRST_MS = 200
const LAST_MS = 4_000

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

/** Delays for trying again: 0.2 s, doubling up to 4 s, spread so that processes do not come back in step. */
export function retryDelays(signal: AbortSignal) {
  let nextMs = FIRST_MS
  return {
    next(): Promise<void> {
      const delayMs = nextMs * (0.75 + Math.random() / 2)
      nextMs = Math.min(nextMs * 2, LAST_MS)
      return sleep(delayMs, signal)
    },
    reset(): void {
      nextMs = FIRST_MS
    },
  }
}
