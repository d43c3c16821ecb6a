/** What the compiler accepts of what is seen from outside: what waits, health checks, logs, gauges. */
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
// @ts-expect-error -- there is no such field
void bus.backlog({ exakt: true })
// @ts-expect-error -- leave it out
void bus.backlog({ exact: undefined })

// A fetch handler, as servers of the web take it.
expectTypeOf(bus.worker().http()).toEqualTypeOf<WorkerHttp>()
expectTypeOf(bus.worker().http({ backlogEveryMs: 60_000 })).toExtend<(request: Request) => Promise<Response>>()

// Listeners to signals. Loggers are taken as they are.
expectTypeOf(jsonLog('warn')).toEqualTypeOf<BusSignalListener>()
createBus({ onSignal: pinoLog(logger) })
createBus({ onSignal: consoleLog('debug', console) })
// @ts-expect-error -- a console takes the message first
pinoLog({ debug: (message: string) => message, info: console.info, warn: console.warn, error: console.error })

expectTypeOf(openTelemetry().observe(bus, { everyMs: 30_000 })).toEqualTypeOf<() => void>()
