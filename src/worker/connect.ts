/** Waiting for a database that is not there yet: it may be starting, or be in the middle of a failover. */
import { PostbusError } from '../errors.ts'
import type { Emit } from '../signals.ts'
import { retryDelays } from './retry-delays.ts'

/** SQLSTATEs that will not go away by waiting: wrong password or role, no such database, no permission. */
const FINAL = new Set(['28000', '28P01', '3D000', '42501'])

/** Runs `prepare` until it succeeds. Answers false if it was no longer wanted before that. */
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
      if (isFinal(error)) throw explained(error)
      emit('warn', 'database.unreachable', `The database cannot be reached (${reasonOf(error)}); trying again.`, {
        failures: failures + 1,
      })
      await delays.next()
    }
  }
  return false
}

function isFinal(error: unknown): boolean {
  return error instanceof PostbusError || FINAL.has(codeOf(error))
}

/** What waiting does not mend is for an operator to read. */
function explained(error: unknown): unknown {
  if (error instanceof PostbusError) return error
  const message = `The database does not let us in: ${reasonOf(error)}. Check the connection string.`
  return new PostbusError('POSTBUS_DATABASE_UNREACHABLE', message, { cause: error })
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}

/** Node reports a host with several addresses as an AggregateError without a message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  return error instanceof Error ? error.message || codeOf(error) : String(error)
}
