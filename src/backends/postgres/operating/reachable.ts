/** Errors of a connection, for an operator. */
import { explainConnectionError } from '../../../transactions/connection-error.ts'

/** An operator reads these errors, so a closed door is named as one. */
export async function withReachableDatabase<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw explainConnectionError(error)
  }
}
