/** Where something was declared, for errors about two declarations that cannot stand side by side. */

/** The stack line that called `callee`, such as `at file:///app/finances.ts:12:30`. */
export function callerOf(callee: (...parameters: never[]) => unknown): string {
  const trace: { stack?: string } = {}
  Error.captureStackTrace(trace, callee)
  // Something may have a `prepareStackTrace` of its own, which need not make a text.
  const stack: unknown = trace.stack
  return (typeof stack === 'string' && stack.split('\n')[1]?.trim()) || 'an unknown place'
}
