/** Waiting for a database that is not there yet: it may be starting, or be in the middle of a failover. */
import { PostbusError } from '../errors.ts'
import type { Emit } from '../signals.ts'
import { connectionProblem, isFinalConnectionError } from '../transactions/connection-error.ts'
import { retryDelays } from './retry-delays.ts'

/** Runs `prepare` until it succeeds. Returns false if `unwanted` was aborted before that. */
export async function connectPatiently(
  prepare: () => Promise<void>,
  unwanted: AbortSignal,
  emit: Emit,
): Promise<boolean> {
  const delays = retryDelays(unwanted)
  for (let failures = 0; !unwanted.aborted; failures += 1) {
    try {
      await prepare()
      if (failures > 0) emit('info', 'database.reachable', 'The database is reachable.')
      return !unwanted.aborted
    } catch (error) {
      if (isFinalConnectionError(error)) throw explained(error)
      emit(
        'warn',
        'database.unreachable',
        `The database cannot be reached (${connectionProblem(error)}); trying again.`,
        {
          failures: failures + 1,
        },
      )
      await delays.next()
    }
  }
  return false
}

/** Waiting does not help against such an error, so an operator must read what it means. */
function explained(error: unknown): unknown {
  if (error instanceof PostbusError) return error
  const message = `The database does not let us in: ${connectionProblem(error)}. Check the connection string.`
  return new PostbusError('POSTBUS_DATABASE_UNREACHABLE', message, { cause: error })
}
