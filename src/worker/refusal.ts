/** Tells a statement that the server refuses from one that it could not run now. */

/** SQLSTATE classes of errors that pass without help: connection, role and database during a start, deadlocks and the like, locks, operators' acts. */
const PASSING_CLASSES = new Set(['08', '28', '3D', '40', '55', '57'])
/** The server has no memory or no connection left, or, during a failover, is read-only. */
const PASSING = new Set(['53200', '53300', '25006'])

/**
 * Whether the server, or our own code, refuses a statement: the same statement would fail again until a person removes the cause. A lost
 * connection, a timeout or a deadlock is not a refusal.
 */
export function isRefusal(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true
  const state = stateOf(error)
  return state !== null && !PASSING.has(state) && !PASSING_CLASSES.has(state.slice(0, 2))
}

/** Returns the SQLSTATE of an error that the server has sent. Node's codes with five characters, such as EPIPE, have no digit. */
export function stateOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  const code = String(error.code)
  const isState = 'severity' in error || /\d/.test(code)
  return isState && /^[0-9A-Z]{5}$/.test(code) ? code : null
}
