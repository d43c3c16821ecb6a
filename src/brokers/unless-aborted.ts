/** Waits for another system, but no longer than the attempt lasts. */

/** Returns the result of `work`, or throws the signal's reason as soon as the signal is aborted. */
export async function unlessAborted<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason as Error)
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
    work.catch(() => undefined) // the attempt is over, so a later error is ignored
  }
}
