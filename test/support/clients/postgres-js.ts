/** postgres.js, whose transactions and savepoints are callbacks with an `sql` of their own. */
import postgres from 'postgres'
import type { OpenClient, OpenTransaction } from './open-client.ts'

export async function openPostgresJs(connectionString: string): Promise<OpenClient> {
  const root = postgres(connectionString, { max: 2, onnotice: () => undefined })

  return {
    inTransaction: (work) => root.begin((tx) => work(transaction(tx))),
    root,
    close: () => root.end(),
  }
}

function transaction(tx: postgres.TransactionSql): OpenTransaction {
  return {
    tx,
    run: (statement) => tx.unsafe(statement),
    inSavepoint: (work) => tx.savepoint((inner) => work(transaction(inner))),
  }
}
