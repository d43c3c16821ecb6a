/**
 * Gives a test process a database of its own, or several for tests that run at once: a free one, or a name for a new one.
 * The process holds a lock on the database's name. The lock ends with the process, so no database stays taken.
 */
import { randomBytes } from 'node:crypto'
import { connectTo, inDatabase, type Client } from './administration.ts'

export interface Lease {
  readonly name: string
  readonly connectionString: string
  /** True if the database exists already, as another process has left it. */
  readonly exists: boolean
  /** A connection to the server's own database, which holds the lock. */
  readonly holder: Client
}

export async function lease(server: string, template: string): Promise<Lease> {
  const holder = await connectTo(server)
  const { rows } = await holder.query<{ name: string }>(
    `select datname as name from pg_database
    where starts_with(datname, $1) and shobj_description(oid, 'pg_database') is null order by 1`,
    [`${template}_db_`],
  )
  for (const { name } of rows) {
    if (await isMine(holder, name)) return { name, connectionString: inDatabase(server, name), exists: true, holder }
  }
  const name = `${template}_db_${randomBytes(3).toString('hex')}`
  await isMine(holder, name) // always true: no other process can know this name
  return { name, connectionString: inDatabase(server, name), exists: false, holder }
}

/** Releases the lock on the name. The database stays as it is. */
export async function endLease({ holder }: Lease): Promise<void> {
  await holder.end()
}

async function isMine(holder: Client, name: string): Promise<boolean> {
  const { rows } = await holder.query<{ mine: boolean }>(
    'select pg_try_advisory_lock(hashtextextended($1, 0)) as mine',
    [name],
  )
  return rows[0]?.mine === true
}
