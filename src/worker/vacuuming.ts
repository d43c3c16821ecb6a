/** Vacuums what deliveries leave behind: every worker offers to, one worker does it, and then rests for many times as long as that took. */
import { sleep } from '../clock.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'

const PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 60_000
/** The rest is this many times longer than the vacuum, but at most a minute. */
const SHARE_OF_TIME = 10

/**
 * Vacuums until `over` is aborted. While an old snapshot is open, a vacuum can remove little: then it is tried less often. Failures are
 * not reported: autovacuum does the same work later.
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
