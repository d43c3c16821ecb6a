/** Finds where in a test's code a function was called: the file and line tell one template from another. */

/** Returns for example `file:///shop/test/database.ts:7:20`, the same in every process of a run. */
export function callerOf(called: (...values: never[]) => unknown): string {
  const here: { stack?: unknown } = {}
  Error.captureStackTrace(here, called)
  return /\n\s+at (?:.*\()?(.+?)\)?(?:\n|$)/.exec(typeof here.stack === 'string' ? here.stack : '')?.[1] ?? ''
}
