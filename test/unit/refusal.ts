import { PostbusError } from '../../src/errors.ts'

/** Returns the error that `work` refuses with. Any other thrown value fails the test. */
export function refusalOf(work: () => unknown): PostbusError {
  try {
    work()
  } catch (error) {
    if (error instanceof PostbusError) return error
    throw error
  }
  throw new Error('Expected a PostbusError, but nothing was thrown.')
}

/** The same for asynchronous work: returns the error that a promise rejects with. */
export async function rejectionOf(work: Promise<unknown>): Promise<PostbusError> {
  const settled = await work.then(
    () => new Error('Expected a rejection, but the promise resolved.'),
    (error: unknown) => error,
  )
  if (settled instanceof PostbusError) return settled
  throw settled
}
