/** An error that says in one sentence why a demo ended without an account: a signal, a usage error, a dead worker. It needs no stack. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly exitCode: number

  constructor(sentence: string, exitCode = 1) {
    super(sentence)
    this.exitCode = exitCode
  }
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** The first signal ends the demo in good order, a second one at once. The workers notice themselves that the demo has ended. */
export function stopOnSignals(over: AbortController): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (over.signal.aborted) process.exit(EXIT_CODES[name])
      over.abort(new Stopped(`Stopped by ${name}, before the account could be checked.`, EXIT_CODES[name]))
    })
  }
}
