/**
 * Prunes old events: every worker offers to, and one worker does it, and goes on while there are more. It rests for as long as it worked,
 * so that it takes at most half of one connection's time.
 */
import type { DeliveryStore } from '../deliveries/delivery-store.ts'
import { performance, sleep } from '../clock.ts'
import { safeTextOfError } from '../error-text.ts'
import type { Emit } from '../signals.ts'

/** With nothing to prune, this is how often one small query asks; a short retention asks more often. */
const LONGEST_PAUSE_MS = 10_000
const SHORTEST_PAUSE_MS = 1_000

export interface PruningParts {
  readonly store: Pick<DeliveryStore, 'prune'>
  /** How long an event stays after its last delivery has finished. `null`: always. */
  readonly retentionMs: number | null
  readonly emit: Emit
}

/** Prunes until `over` is aborted. A failed turn is tried again at the next one, and failures are reported once until pruning works again. */
export async function keepPruned(parts: PruningParts, over: AbortSignal): Promise<void> {
  const { retentionMs, emit } = parts
  if (retentionMs === null) return
  const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, retentionMs / 10))
  let works = true
  for (; !over.aborted; await sleep(pauseMs, over)) {
    try {
      const count = await pruneAll(parts.store, { retentionMs, everyMs: pauseMs }, over)
      works = true
      if (count > 0) emit('debug', 'event.pruned', `${count} events were pruned.`, { count })
    } catch (error) {
      const message = `Old events could not be pruned: ${safeTextOfError(error)}`
      if (works && !over.aborted) emit('warn', 'pruning.failed', message)
      works = false
    }
  }
}

async function pruneAll(
  store: PruningParts['store'],
  first: Parameters<DeliveryStore['prune']>[0],
  over: AbortSignal,
): Promise<number> {
  let count = 0
  for (let how = first; !over.aborted; how = { ...first, everyMs: 0 }) {
    const began = performance.now()
    const { events, more } = await store.prune(how)
    count += events
    if (!more) break
    await sleep(performance.now() - began, over)
  }
  return count
}
