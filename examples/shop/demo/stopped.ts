/** Why a demo ended without an account, in a sentence that needs no stack: a signal, a mistake, a dead worker. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly exitCode: number

  constructor(sentence: string, exitCode = 1) {
    super(sentence)
    this.exitCode = exitCode
  }
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** The first signal ends the demo in good order, a second one at once; its workers notice by themselves that it is gone. */
export function stopOnSignals(over: AbortController): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (over.signal.aborted) process.exit(EXIT_CODES[name])
      over.abort(new Stopped(`Stopped by ${name}, before the account could be checked.`, EXIT_CODES[name]))
    })
  }
}
