/** Works until nothing is due, and returns what was done. */
import type { Bus, WorkerCounts } from '../../src/index.ts'

/** Drains until a drain finds nothing to do. */
export async function drained(bus: Bus): Promise<WorkerCounts> {
  const total = { done: 0, failed: 0, dead: 0, snoozed: 0 }
  for (;;) {
    const counts = await bus.worker().drain()
    for (const key of ['done', 'failed', 'dead', 'snoozed'] as const) total[key] += counts[key]
    if (Object.values(counts).every((count) => count === 0)) return total
  }
}
