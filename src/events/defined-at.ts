/** The place where something was declared, for errors about two declarations that conflict. */

/** The stack line that called `callee`, such as `at file:///app/finances.ts:12:30`. */
export function callerOf(callee: (...parameters: never[]) => unknown): string {
  const trace: { stack?: string } = {}
  Error.captureStackTrace(trace, callee)
  // A library may have set its own `Error.prepareStackTrace`, which need not return text.
  const stack: unknown = trace.stack
  return (typeof stack === 'string' && stack.split('\n')[1]?.trim()) || 'an unknown place'
}
