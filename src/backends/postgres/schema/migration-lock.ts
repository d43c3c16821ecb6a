/** Lets one migration of a schema run at a time, and stops a migration that loses its lock. */
import type { Pool, PoolClient } from 'pg'
import { delay } from '../../../clock.ts'
import { PostbusError } from '../../../errors.ts'
import { lockKey } from './advisory-locks.ts'
import type { Tables } from './tables.ts'

const ANOTHER_CONNECTION_MS = 10_000

/**
 * Runs `work` while a separate connection holds the lock. The lock ends with that connection, also when the process dies. The
 * connection's transaction is open all the time, so it must not keep a snapshot: `create index concurrently` would wait for it.
 *
 * @throws {PostbusError} `POSTBUS_MIGRATION_STOPPED` if the server ends the connection, because another migration may begin then.
 */
export async function withMigrationLock<Result>(
  pool: Pool,
  tables: Tables,
  work: () => Promise<Result>,
): Promise<Result> {
  const holder = await pool.connect()
  const lost = lossOf(holder)
  try {
    await holder.query('begin')
    await holder.query(`select pg_catalog.pg_advisory_xact_lock(${lockKey('migrate', tables.names)})`)
    await Promise.race([anotherConnection(pool), lost])
    const result = await Promise.race([work(), lost])
    await holder.query('commit').catch((error: unknown) => {
      throw stopped(error)
    })
    return result
  } finally {
    holder.release(true)
  }
}

/**
 * Makes sure that there is a second connection. Behind a pooler with only one connection to the server, the work would wait for the
 * connection that holds the lock, and never begin.
 */
async function anotherConnection(pool: Pool): Promise<void> {
  const asked = pool.query('select 1').then(() => true)
  const isThere = await Promise.race([asked, delay(ANOTHER_CONNECTION_MS)])
  if (isThere) return
  asked.catch(() => undefined)
  throw new PostbusError(
    'POSTBUS_MIGRATION_BLOCKED',
    `A migration needs two connections to the server at once, and did not get a second one within ${ANOTHER_CONNECTION_MS / 1_000} s. ` +
      'Let the pooler open more (pgbouncer: `default_pool_size`), or migrate with a connection string of the server itself.',
  )
}

/** Rejects when the connection is gone. */
function lossOf(holder: PoolClient): Promise<never> {
  const lost = new Promise<never>((_, reject) => {
    holder.once('error', (error) => reject(stopped(error)))
    holder.once('end', () => reject(stopped(new Error('the connection has ended'))))
  })
  lost.catch(() => undefined) // the connection also ends when nothing is left to stop
  return lost
}

function stopped(cause: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_MIGRATION_STOPPED',
    'The server has ended the connection that holds the lock of the migration, so it was stopped. What is done stays done. Look for a ' +
      'limit on idle transactions (`idle_in_transaction_session_timeout`, or of a pooler), and run again: npx postbus migrate',
    { cause },
  )
}
