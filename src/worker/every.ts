/** Repeats something for as long as a worker lives. */
import { sleep } from '../clock.ts'

/** Until `over` is aborted. A failure is no news: the dispatchers report a database that is away. */
export async function every(ms: number, task: () => Promise<unknown>, over: AbortSignal): Promise<void> {
  for (await sleep(ms, over); !over.aborted; await sleep(ms, over)) await task().catch(() => undefined)
}
