/** The threads that send heartbeats, as the server sees them, and a way to stall their process. */
import type { TestBus } from './bus.ts'
import { until } from './until.ts'

/** Longer than the second after which the thread takes over. */
export const STALL_MS = 1_700

/** The connections on which a thread has sent, or is ready to send, heartbeats: they have run nothing else. */
export async function threads({ database }: TestBus): Promise<readonly { pid: number; query: string }[]> {
  const { rows } = await database.query<{ pid: number; query: string }>(
    `select pid, query from pg_stat_activity
    where datname = current_database() and application_name = 'postbus' and (query = '' or query like 'begin%.keep(%commit')`,
  )
  return rows
}

export async function connectedThreads(opened: TestBus) {
  await until('the thread is connected', async () => (await threads(opened)).length === 1)
  return threads(opened)
}

/** Blocks the event loop, so that nothing else runs in this thread meanwhile. */
export function computeFor(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}
