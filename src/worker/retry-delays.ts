/** Waiting between tries at something that fails: longer each time. */
import { sleep } from '../clock.ts'

const FIRST_MS = 200
const LAST_MS = 4_000

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
