/**
 * Ending a worker process. The first SIGTERM or SIGINT stops it in good order, a second one ends it at once, and a
 * watchdog ends it should stopping hang. An error that nobody caught stops it in good order too, with exit code 1.
 */
import { setTimeout } from '../clock.ts'
import type { StopReport } from '../worker/worker.ts'
import type { ExitCode } from './command.ts'

const WATCHDOG_MARGIN_MS = 5_000

export interface Shutdown {
  /** Resolves with the exit code when a requested shutdown is complete: 1 if something had to be given back. */
  readonly ended: Promise<ExitCode>
  requested(): boolean
  /** Stops listening for signals. */
  ignore(): void
}

export function onShutdown(
  stop: () => Promise<StopReport>,
  graceMs: number,
  tell: (sentence: string) => void,
): Shutdown {
  let requested = false
  const { promise: ended, resolve } = Promise.withResolvers<ExitCode>()

  function shutDown(failed: boolean): void {
    requested = true
    setTimeout(() => process.exit(1), graceMs + WATCHDOG_MARGIN_MS).unref()
    void stop().then(
      ({ givenBack }) => resolve(failed || givenBack > 0 ? 1 : 0),
      () => resolve(1),
    )
  }
  function onSignal(signal: NodeJS.Signals): void {
    if (requested) {
      tell(`${signal} again: exiting at once.`)
      process.exit(1)
    }
    tell(`${signal}: stopping. Running handlers have ${graceMs / 1_000} s to finish; send it again to exit at once.`)
    shutDown(false)
  }
  function onUncaught(error: unknown): void {
    tell(`An error outside of any handler; stopping.\n${error instanceof Error ? error.stack : String(error)}`)
    if (!requested) shutDown(true)
  }

  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught)
  return {
    ended,
    requested: () => requested,
    ignore() {
      process.off('SIGTERM', onSignal).off('SIGINT', onSignal)
      process.off('uncaughtException', onUncaught).off('unhandledRejection', onUncaught)
    },
  }
}
