/** The handlers of each deploy in the tests of changing deliveries: one that changes, and one that never does. */
import type { TracedHandler } from './tasks.ts'

const BESIDE: TracedHandler = { name: 'faults.beside', maxAttempts: 1_000 }
const STEADY = { name: 'faults.steady', maxAttempts: 1_000 } as const

export const CHANGES = {
  jobs: [STEADY, BESIDE],
  log: [{ ...STEADY, delivery: 'log', shards: 8 }, BESIDE],
  moreShards: [{ ...STEADY, delivery: 'log', shards: 13 }, BESIDE],
} satisfies Record<string, readonly TracedHandler[]>
