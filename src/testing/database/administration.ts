/** Opens a separate connection for statements on another database than the test's, or for as long as a test runs. */
import { createConnection } from '../../backends/postgres/connection.ts'
import { explainConnectionError } from '../../transactions/connection-error.ts'
import { PostbusError } from '../../errors.ts'

/** Copying or creating a database may take longer than a statement of a bus. */
const LIMIT_MS = 120_000

export type Client = Awaited<ReturnType<typeof connectTo>>

export async function connectTo(connectionString: string) {
  const connection = createConnection({
    connectionString,
    poolSize: 1,
    connectTimeoutMs: 10_000,
    queryTimeoutMs: LIMIT_MS,
  })
  try {
    const client = await connection.dedicated()
    await client.query('reset search_path') // table names resolve as they do for the application
    return client
  } catch (error) {
    throw explainConnectionError(error)
  }
}

/** Runs work on one connection, and closes it. */
export async function onConnection<Result>(
  connectionString: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = await connectTo(connectionString)
  try {
    return await work(client)
  } catch (error) {
    throw mayNotCreate(error) ? forbidden(client.user ?? '', error) : error
  } finally {
    await client.end()
  }
}

/** The same server, another database. */
export function inDatabase(connectionString: string, name: string): string {
  const url = new URL(connectionString)
  url.pathname = `/${name}`
  return url.href
}

function mayNotCreate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '42501'
}

function forbidden(user: string, cause: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_TEST_DATABASE_FAILED',
    `Tests make databases of their own, but the user "${user}" of DATABASE_URL may not create databases. ` +
      `Run: alter user "${user}" createdb; or unset DATABASE_URL to test on a Postgres of our own.`,
    { cause },
  )
}
