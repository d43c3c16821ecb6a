/** The database that this checkout works on: the one that DATABASE_URL names, or a Postgres that the checkout runs itself. */
import { relative } from 'node:path'
import { checkoutPostgres } from './embedded-postgres.ts'
import { env } from './env.ts'

export type ProjectDatabase = {
  readonly connectionString: string
  /** Describes the database for people, without its password. */
  readonly which: string
  /** Call it when all connections are closed. The checkout's own Postgres stops when no process uses it. */
  release(): Promise<void>
}

export async function projectDatabase(): Promise<ProjectDatabase> {
  if (env.databaseUrl !== undefined) return givenDatabase(env.databaseUrl)

  const server = await checkoutPostgres()
  const which = `embedded PostgreSQL ${server.version} in ${shortest(server.folder)}`
  return { connectionString: server.connectionString, which, release: () => server.release() }
}

function givenDatabase(connectionString: string): ProjectDatabase {
  const { host, pathname } = new URL(connectionString)
  return { connectionString, which: `DATABASE_URL (${host}${pathname})`, release: async () => {} }
}

function shortest(folder: string): string {
  const fromHere = relative(process.cwd(), folder)
  return fromHere.startsWith('..') ? folder : fromHere
}
