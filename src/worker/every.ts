/** Repeats something for as long as a worker lives. */
import { sleep } from '../clock.ts'

/** Repeats `task` until `over` is aborted. Failures are not reported here: the dispatchers report an unreachable database. */
export async function every(ms: number, task: () => Promise<unknown>, over: AbortSignal): Promise<void> {
  for (await sleep(ms, over); !over.aborted; await sleep(ms, over)) await task().catch(() => undefined)
}
