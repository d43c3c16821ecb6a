/** Returns the error of work that must fail. */
import type { PostbusErrorCode } from '../../src/index.ts'

export type Failure = Error & { readonly code?: PostbusErrorCode }

/** Returns the error that `work` throws. Fails if `work` throws nothing. */
export function failureOf(work: () => unknown): Failure {
  try {
    work()
  } catch (error) {
    return error as Failure
  }
  throw new Error('Expected a failure, but nothing was thrown.')
}

/** Returns the error that `work` rejects with. */
export async function rejectionOf(work: Promise<unknown>): Promise<Failure> {
  return work.then(
    () => {
      throw new Error('Expected a rejection, but it resolved.')
    },
    (error: Failure) => error,
  )
}
