/** The bus of a worker process in the fault tests: handlers that write a trace, and signals as JSON, one per line. */
import { createBus, type Bus } from '../../src/index.ts'
import type { JetStreamOptions } from '../../src/jetstream/index.ts'
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
  /** The JetStream engine of the worker. Default: none, the worker reads the log from Postgres. */
  readonly jetStream?: JetStreamOptions
}

export async function tracedBus({ traceTo, handlers, jetStream, ...options }: TracedBusSettings): Promise<Bus> {
  const write = traceWriter(traceTo)
  const engines = jetStream && (await import('../../src/jetstream/index.ts'))
  return createBus({
    ...options,
    ...(engines && { engine: engines.jetStream(jetStream) }),
    handlers: handlers.map((handler) => tracedHandlerOf(handler, write)),
    onSignal: (signal) => process.stderr.write(`${JSON.stringify(signal)}\n`),
  })
}
