/**
 * The settings that come from outside the code. This is the only file that reads `process.env`: it holds every variable that the project
 * reads, and checks them before anything else runs.
 */
import { z } from 'zod'
import { PostbusError } from '../src/errors.ts'

const variables = z.object({
  /** The database to work on. If it is unset or empty, the project runs its own Postgres (`embedded-postgres.ts`). */
  DATABASE_URL: z
    .url({
      protocol: /^postgres(ql)?$/,
      error: 'expected a URL such as postgres://user:password@host:5432/database',
    })
    .optional(),
  /** The lowest level that is logged. */
  POSTBUS_LOG: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

export const env = readEnvironment()

function readEnvironment() {
  const set = Object.entries(process.env).filter(([, value]) => value !== '')
  const checked = variables.safeParse(Object.fromEntries(set))
  if (!checked.success) throw invalidEnvironment(checked.error)

  const { DATABASE_URL, POSTBUS_LOG } = checked.data
  return Object.freeze({ ...(DATABASE_URL !== undefined && { databaseUrl: DATABASE_URL }), logLevel: POSTBUS_LOG })
}

/** Names the variables and their valid values, but never the values that were set: a database URL holds a password. */
function invalidEnvironment(error: z.ZodError): PostbusError {
  const problems = error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  return new PostbusError('POSTBUS_INVALID_CONFIG', `The environment is not valid. ${problems.join('; ')}.`)
}
