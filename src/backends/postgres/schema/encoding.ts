/** Checks the encoding of the database: only UTF8 can store every text that an event may hold. */
import { PostbusError } from '../../../errors.ts'
import type { Queryable } from '../connection.ts'

/**
 * Refuses a database whose encoding is not UTF8. There, a `€`, or a `✗` in an error message, would abort the caller's
 * transaction or keep a delivery from ending.
 *
 * @throws {PostbusError} `POSTBUS_DATABASE_ENCODING`.
 */
export async function refuseEncoding(database: Queryable): Promise<void> {
  const { rows } = await database.query<{ encoding: string; name: string }>(
    `select current_setting('server_encoding') as encoding, current_database() as name`,
  )
  const { encoding = 'unknown', name = '' } = rows[0] ?? {}
  if (encoding === 'UTF8') return
  throw new PostbusError(
    'POSTBUS_DATABASE_ENCODING',
    `Database "${name}" has the encoding ${encoding}, expected UTF8: it cannot store every text that an event may hold. The encoding of a ` +
      `database cannot be changed: make one with "create database … encoding 'UTF8' template template0", and move the data there ` +
      'with pg_dump and pg_restore.',
  )
}
