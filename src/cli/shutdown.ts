/**
 * Ends a worker process. The first SIGTERM or SIGINT stops it in good order, and a watchdog ends it if stopping hangs. A second
 * signal ends it at once, unless it only repeats the first: Ctrl-C reaches every process of the terminal, and npm and shells pass
 * it on as well. An uncaught error, and a parent process that is gone, also stop it in good order.
 */
import { performance, setInterval, setTimeout, clearInterval } from '../clock.ts'
import { safeTextOfError } from '../error-text.ts'
import { isError } from '../realm.ts'
import type { StopReport } from '../worker/stop-report.ts'
import type { ExitCode } from './command.ts'

const WATCHDOG_MARGIN_MS = 5_000
/** A second signal within this time is an echo: no person decides so fast that the first one was not enough. */
const ECHO_MS = 1_000
const LOOK_FOR_PARENT_EVERY_MS = 500

export interface Shutdown {
  /** Resolves with the exit code when a requested shutdown is complete: 1 if something had to be given back. */
  readonly ended: Promise<ExitCode>
  requested(): boolean
  /** Stops listening for signals. */
  ignore(): void
}

export interface ShutdownOptions {
  readonly graceMs: number
  stop(): Promise<StopReport>
  tell(sentence: string): void
  /** Whether a process is gone that this process must end with. Called again and again. */
  readonly parentHasGone?: (() => boolean) | undefined
}

export function onShutdown({ graceMs, stop, tell, parentHasGone }: ShutdownOptions): Shutdown {
  let requested = false
  let signalledAt: number | null = null
  const { promise: ended, resolve } = Promise.withResolvers<ExitCode>()

  function shutDown(failed: boolean): void {
    if (requested) return
    requested = true
    setTimeout(() => process.exit(1), graceMs + WATCHDOG_MARGIN_MS).unref()
    void stop().then(
      ({ givenBack }) => resolve(failed || givenBack > 0 ? 1 : 0),
      () => resolve(1),
    )
  }
  function onSignal(signal: NodeJS.Signals): void {
    if (signalledAt === null) {
      signalledAt = performance.now()
      tell(`${signal}: stopping. Running handlers have ${graceMs / 1_000} s to finish; send it again to exit at once.`)
      return shutDown(false)
    }
    if (performance.now() - signalledAt < ECHO_MS) return
    tell(`${signal} again: exiting at once.`)
    process.exit(1)
  }
  function onUncaught(error: unknown): void {
    tell(`An error outside of any handler; stopping.\n${stackOf(error)}`)
    shutDown(true)
  }
  function lookForParent(): void {
    if (requested || !parentHasGone?.()) return
    tell(`The process that started this one has gone: stopping. Running handlers have ${graceMs / 1_000} s to finish.`)
    shutDown(false)
  }

  const looking = parentHasGone && setInterval(lookForParent, LOOK_FOR_PARENT_EVERY_MS).unref()
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught)
  return {
    ended,
    requested: () => requested,
    ignore() {
      clearInterval(looking)
      process.off('SIGTERM', onSignal).off('SIGINT', onSignal)
      process.off('uncaughtException', onUncaught).off('unhandledRejection', onUncaught)
    },
  }
}

function stackOf(error: unknown): string {
  const text = safeTextOfError(error)
  if (!isError(error) || typeof error.stack !== 'string') return text
  return error.stack.includes(text) ? error.stack : `${text}\n${error.stack}`
}
