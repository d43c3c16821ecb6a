/** Knex, whose nested transactions are savepoints. */
import knex, { type Knex } from 'knex'
import type { OpenClient, OpenTransaction } from './open-client.ts'

export async function openKnex(connectionString: string): Promise<OpenClient> {
  const root = knex({ client: 'pg', connection: connectionString, pool: { min: 0, max: 2 } })

  return { inTransaction: (work) => root.transaction((tx) => work(transaction(tx))), root, close: () => root.destroy() }
}

function transaction(tx: Knex.Transaction): OpenTransaction {
  return {
    tx,
    run: async (statement) => tx.raw(statement),
    inSavepoint: (work) => tx.transaction((inner) => work(transaction(inner))),
  }
}
