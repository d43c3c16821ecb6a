/** A stage on a Postgres server of its own, for runs under load. The server's log shows whether any statement met a conflict. */
import { onTestFinished } from 'vitest'
import type { TracedHandler } from '../faults/tasks.ts'
import { startEmbeddedServer } from './embedded-server.ts'
import { openStage, type Stage } from './stage.ts'

export interface OrderStage {
  readonly stage: Stage
  /** Seeds the random choices of the run. Print it, so that a run can be repeated. */
  readonly seed: number
  /** Everything that the server has logged. */
  serverLog(): Promise<string>
}

/** The stage and the server end with the test. */
export async function openOrderStage(handlers: readonly TracedHandler[], connections = 200): Promise<OrderStage> {
  const server = await startEmbeddedServer({ max_connections: String(connections) })
  onTestFinished(() => server.remove())
  const stage = await openStage({ handlers, server: server.connectionString })
  onTestFinished(() => stage.close())
  return { stage, seed: Date.now() % 1_000_000, serverLog: () => server.log() }
}
