/** For tests about failures. */
import type { PostbusErrorCode } from '../../src/index.ts'

export type Failure = Error & { readonly code?: PostbusErrorCode }

/** What `work` throws. It fails when nothing is thrown. */
export function failureOf(work: () => unknown): Failure {
  try {
    work()
  } catch (error) {
    return error as Failure
  }
  throw new Error('Expected a failure, but nothing was thrown.')
}

/** What `work` rejects with. */
export async function rejectionOf(work: Promise<unknown>): Promise<Failure> {
  return work.then(
    () => {
      throw new Error('Expected a rejection, but it resolved.')
    },
    (error: Failure) => error,
  )
}
