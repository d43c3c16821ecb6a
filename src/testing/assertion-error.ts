/** The error of an assertion, as every test runner knows it. */
import { AssertionError } from 'node:assert'

export interface Failure {
  readonly message: string
  /** Given both, runners print how they differ. */
  readonly expected?: unknown
  readonly actual?: unknown
}

export function assertionError(failure: Failure): AssertionError {
  const error = new AssertionError(failure)
  // Newer Nodes keep a setting of their own there, which vitest would print in the place of its diff.
  Reflect.deleteProperty(error, 'diff')
  return error
}
