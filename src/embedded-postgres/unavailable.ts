/** The error when the embedded Postgres cannot run. It always names a way out: a Postgres of your own. */
import { PostbusError } from '../errors.ts'

export function unavailable(why: string, cause?: unknown): PostbusError {
  const message = `The embedded Postgres cannot run: ${why}. Mend that, or set DATABASE_URL to a Postgres of your own.`
  return new PostbusError('POSTBUS_DATABASE_UNREACHABLE', message, { cause })
}
