import { PostbusError } from '../../src/errors.ts'

/** The error that `work` refuses with. Anything else that is thrown is the test's failure. */
export function refusalOf(work: () => unknown): PostbusError {
  try {
    work()
  } catch (error) {
    if (error instanceof PostbusError) return error
    throw error
  }
  throw new Error('Expected a PostbusError, but nothing was thrown.')
}

/** The same for what refuses later: the error that a promise rejects with. */
export async function rejectionOf(work: Promise<unknown>): Promise<PostbusError> {
  const settled = await work.then(
    () => new Error('Expected a rejection, but the promise resolved.'),
    (error: unknown) => error,
  )
  if (settled instanceof PostbusError) return settled
  throw settled
}
