/** Watches the event loop: while it stands still no timer fires, no answer is read, and nothing of this process goes on. */
import { performance, sleep } from '../clock.ts'
import type { Emit } from '../signals.ts'
import type { KeptClaims } from './kept-claims.ts'

const LOOK_EVERY_MS = 500
/** Below this it may be a collection of garbage, or a machine that is busy. */
const REPORTED_MS = 1_000
const MOST_NAMED = 10

/** Watches until `over` is aborted. Reports each stall of more than a second, and which handlers were running. */
export async function watchStalls(kept: KeptClaims, emit: Emit, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const began = performance.now()
    await sleep(LOOK_EVERY_MS, over)
    kept.pulse()
    const stalledMs = Math.round(performance.now() - began - LOOK_EVERY_MS)
    if (stalledMs > REPORTED_MS) reportStall(kept, emit, stalledMs)
  }
}

function reportStall({ held }: KeptClaims, emit: Emit, stalledMs: number): void {
  const handlers = [...new Set(held.map(({ handler }) => handler))]
  const ran = handlers.length === 0 ? 'No handler was running' : `Handlers that were running: ${listed(handlers)}`
  const message =
    `The event loop stood still for ${(stalledMs / 1_000).toFixed(1)} s. ${ran}. ` +
    'Something computed without a pause, or the process was stopped.'
  emit('warn', 'worker.stalled', message, {
    stalledMs,
    handlers,
    deliveryIds: held.slice(0, MOST_NAMED).map(({ id }) => id),
  })
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, MOST_NAMED).join(', ')}${names.length > MOST_NAMED ? ', …' : ''}`
}
