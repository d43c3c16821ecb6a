/** Runs work in a transaction of pg: commits when it resolves, and rolls back when it rejects. */
import type { Pool, PoolClient } from 'pg'

export async function inTransaction<Result>(
  pool: Pool,
  begin: string,
  work: (tx: PoolClient) => Promise<Result>,
): Promise<Result> {
  const tx = await pool.connect()
  try {
    await tx.query(begin)
    const result = await work(tx)
    await tx.query('commit')
    return result
  } catch (error) {
    await tx.query('rollback')
    throw error
  } finally {
    tx.release()
  }
}
