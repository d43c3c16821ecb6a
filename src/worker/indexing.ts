/** Indexing the log: every worker offers to, one of them does, and rests for many times as long as it took. */
import { performance, sleep } from '../clock.ts'
import type { DeliveryStore } from '../deliveries/delivery-store.ts'

const PAUSE_MS = 1_000
/** While nothing is published, one small query asks this often. */
const LONGEST_PAUSE_MS = 8_000
/** It takes at most one part in so many of the time: publishers and handlers come first, a list reads what is not indexed. */
const SHARE_OF_TIME = 8

/** Indexes until `over` is aborted. What fails is tried again at the next turn; lists go on without. */
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
