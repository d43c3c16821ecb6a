/** A way out of the test's own async context: what runs here was, as far as anybody can tell, not started by a test. */
import { state } from '../../src/testing/state.ts'

export interface Outside {
  run<Result>(work: () => Result): Result
}

export function outsideOfTests(): Outside {
  return { run: (work) => state.current.exit(work) }
}
