/** Drains with a time limit, for a function that is called now and then and has little time. */
import { clearTimeout, setTimeout } from '../clock.ts'
import type { WorkerCounts } from './tally.ts'
import type { Worker } from './worker.ts'

export interface DrainReport extends WorkerCounts {
  /** It stopped because of `timeLimitMs`: something may still be due. */
  readonly isTimeUp: boolean
}

export async function drainWithin(worker: Worker, timeLimitMs: number | undefined): Promise<DrainReport> {
  let isTimeUp = false
  const over = timeLimitMs === undefined ? undefined : setTimeout(onTimeUp, timeLimitMs)
  try {
    const counts = await worker.drain()
    return { ...counts, isTimeUp }
  } finally {
    clearTimeout(over)
  }

  function onTimeUp(): void {
    isTimeUp = true
    void worker.stop()
  }
}
