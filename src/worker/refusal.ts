/** Tells a statement that the server refuses from one that it could not run now. */

/** Classes of SQLSTATE that pass by themselves: connection, role and database at its start, deadlock and its like, locks, operators' acts. */
const PASSING_CLASSES = new Set(['08', '28', '3D', '40', '55', '57'])
/** No memory or no connection is left, and, during a fail-over, a server that only reads. */
const PASSING = new Set(['53200', '53300', '25006'])

/**
 * Whether the server, or our own code, refuses what was asked: the same statement would fail again, until someone mends it. A
 * lost connection, a limit of time or a deadlock is none.
 */
export function isRefusal(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true
  const state = stateOf(error)
  return state !== null && !PASSING.has(state) && !PASSING_CLASSES.has(state.slice(0, 2))
}

/** The SQLSTATE of an error that the server has sent. Node's codes have no digit where they have five letters. */
export function stateOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  const code = String(error.code)
  const isState = 'severity' in error || /\d/.test(code)
  return isState && /^[0-9A-Z]{5}$/.test(code) ? code : null
}
