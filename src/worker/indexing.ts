/** Indexes the log: every worker offers to, one worker does it, and then rests for many times as long as that took. */
import { performance, sleep } from '../clock.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'

const PAUSE_MS = 1_000
/** While nothing is published, one small query asks this often. */
const LONGEST_PAUSE_MS = 8_000
/** The rest is this many times longer than the work: publishers and handlers come first, and lists can read events without an index. */
const SHARE_OF_TIME = 8

/** Indexes until `over` is aborted. A failed turn is tried again at the next one; lists work without the index. */
export async function keepIndexed(store: Pick<DeliveryStore, 'index'>, over: AbortSignal): Promise<void> {
  let pauseMs = PAUSE_MS
  for (await sleep(pauseMs, over); !over.aborted; await sleep(pauseMs, over)) {
    const began = performance.now()
    const { events, more } = await store.index().catch(() => ({ events: 0, more: false }))
    const rest = (performance.now() - began) * SHARE_OF_TIME
    if (more) pauseMs = rest
    else pauseMs = events > 0 ? Math.max(PAUSE_MS, rest) : Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
  }
}
