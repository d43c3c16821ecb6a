/** Vacuuming: every worker offers to, one of them does, and rests for many times as long as it took. */
import { sleep } from '../clock.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'

const PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 60_000
/** A vacuum takes at most one part in so many of the time. */
const SHARE_OF_TIME = 10

/**
 * Vacuums until `over` is aborted. While someone holds an old snapshot, vacuum can remove little: then it is tried less
 * often. A failure is no news: autovacuum does the same, later.
 */
export async function keepVacuumed(store: Pick<DeliveryStore, 'vacuum'>, over: AbortSignal): Promise<void> {
  let pauseMs = PAUSE_MS
  for (await sleep(pauseMs, over); !over.aborted; await sleep(pauseMs, over)) {
    const began = performance.now()
    const done = await store.vacuum().catch(() => null)
    const isInVain = done !== null && done.left > done.dead / 2
    const rest = (performance.now() - began) * SHARE_OF_TIME
    pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(rest, isInVain ? pauseMs * 2 : PAUSE_MS))
  }
}
