/** The bus of a worker process in the fault tests: handlers that write a trace, and signals as JSON, one per line. */
import { createBus, type Bus } from '../../src/index.ts'
import { traceWriter } from '../support/trace.ts'
import type { TracedHandler } from './tasks.ts'
import { tracedHandlerOf } from './traced-batch.ts'

export interface TracedBusSettings {
  readonly connectionString: string
  /** The database of the trace: reached without a proxy, and never on a server that is about to fail. */
  readonly traceTo: string
  readonly handlers: readonly TracedHandler[]
  readonly queryTimeoutMs?: number
  readonly connectTimeoutMs?: number
}

export function tracedBus({ traceTo, handlers, ...options }: TracedBusSettings): Bus {
  const write = traceWriter(traceTo)
  return createBus({
    ...options,
    handlers: handlers.map((handler) => tracedHandlerOf(handler, write)),
    onSignal: (signal) => process.stderr.write(`${JSON.stringify(signal)}\n`),
  })
}
