/** Explains errors of a connection to an operator. */
import { explainConnectionError } from '../../../transactions/connection-error.ts'

/** Says so if the database cannot be reached, because an operator reads the error. */
export async function withReachableDatabase<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw explainConnectionError(error)
  }
}
