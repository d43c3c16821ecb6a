/** node-postgres, where the caller writes begin and commit, and a caller's own wrapper around it. */
import { Pool } from 'pg'
import { openTransaction } from '../../../src/transactions/open-transaction.ts'
import { type OpenClient, withRawSavepoints, type Work } from './open-client.ts'

export async function openPg(connectionString: string): Promise<OpenClient> {
  const pool = new Pool({ connectionString, max: 2 })

  async function inTransaction(work: Work): Promise<void> {
    const client = await pool.connect()
    const run = (statement: string) => client.query(statement)
    try {
      await run('begin')
      await work(withRawSavepoints(client, run))
      await run('commit')
    } catch (error) {
      await run('rollback')
      throw error
    } finally {
      client.release()
    }
  }

  return { inTransaction, root: pool, close: () => pool.end() }
}

/** A caller's own wrapper, here around pg: all that Postbus can see of it is `executeSql`. */
export async function openExecuteSql(connectionString: string): Promise<OpenClient> {
  const { inTransaction, close } = await openPg(connectionString)
  return { inTransaction: (work) => inTransaction(wrapped(work)), root: {}, close }
}

function wrapped(work: Work): Work {
  return ({ tx, run }) => work(withRawSavepoints(openTransaction(tx), run))
}
