/** A way out of the test's async context: for the kit, code that runs here was not started by a test. */
import { state } from '../../src/testing/state.ts'

export interface Outside {
  run<Result>(work: () => Result): Result
}

export function outsideOfTests(): Outside {
  return { run: (work) => state.current.exit(work) }
}
