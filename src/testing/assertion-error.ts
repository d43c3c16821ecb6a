/** The error of an assertion, as every test runner knows it. */
import { AssertionError } from 'node:assert'

export interface Failure {
  readonly message: string
  /** If both are given, test runners print how they differ. */
  readonly expected?: unknown
  readonly actual?: unknown
}

export function assertionError(failure: Failure): AssertionError {
  const error = new AssertionError(failure)
  // Newer Node versions keep a setting of their own in `diff`, which vitest would print instead of its diff.
  Reflect.deleteProperty(error, 'diff')
  return error
}
