/** The types of what monitoring uses: backlogs, health checks, logs, gauges. */
import type { Logger } from 'pino'
import { expectTypeOf } from 'vitest'
import {
  consoleLog,
  createBus,
  jsonLog,
  pinoLog,
  type BacklogReport,
  type BusSignalListener,
  type LogLag,
  type WorkerHttp,
} from '../../src/index.ts'
import { openTelemetry } from '../../src/otel/index.ts'

declare const logger: Logger
const bus = createBus({ connectionString: '' })

expectTypeOf(bus.backlog()).resolves.toEqualTypeOf<BacklogReport>()
expectTypeOf(bus.backlog({ exact: true })).resolves.toEqualTypeOf<BacklogReport>()
expectTypeOf<BacklogReport['handlers'][number]['log']>().toEqualTypeOf<LogLag | null>()
// @ts-expect-error -- this option does not exist
void bus.backlog({ exakt: true })
// @ts-expect-error -- an option may be omitted, but not be undefined
void bus.backlog({ exact: undefined })

// A fetch handler that web servers accept.
expectTypeOf(bus.worker().http()).toEqualTypeOf<WorkerHttp>()
expectTypeOf(bus.worker().http({ backlogEveryMs: 60_000 })).toExtend<(request: Request) => Promise<Response>>()

// Signal listeners. Loggers are passed unchanged.
expectTypeOf(jsonLog('warn')).toEqualTypeOf<BusSignalListener>()
createBus({ onSignal: pinoLog(logger) })
createBus({ onSignal: consoleLog('debug', console) })
// @ts-expect-error -- a console method takes the message first
pinoLog({ debug: (message: string) => message, info: console.info, warn: console.warn, error: console.error })

expectTypeOf(openTelemetry().observe(bus, { everyMs: 30_000 })).toEqualTypeOf<() => void>()
