/** Drizzle, over the two drivers whose transactions differ. */
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import { Pool } from 'pg'
import postgres from 'postgres'
import type { OpenClient, OpenTransaction } from './open-client.ts'

export async function openDrizzleNodePostgres(connectionString: string): Promise<OpenClient> {
  const pool = new Pool({ connectionString, max: 2 })
  const db = drizzleNodePostgres(pool)
  type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]

  function transaction(tx: Tx): OpenTransaction {
    return {
      tx,
      run: (statement) => tx.execute(statement),
      inSavepoint: (work) => tx.transaction((inner) => work(transaction(inner))),
    }
  }

  return {
    inTransaction: (work) => db.transaction((tx) => work(transaction(tx))),
    root: db,
    close: () => pool.end(),
  }
}

export async function openDrizzlePostgresJs(connectionString: string): Promise<OpenClient> {
  const root = postgres(connectionString, { max: 2, onnotice: () => undefined })
  const db = drizzlePostgresJs(root)
  type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]

  function transaction(tx: Tx): OpenTransaction {
    return {
      tx,
      run: async (statement) => tx.execute(statement),
      inSavepoint: (work) => tx.transaction((inner) => work(transaction(inner))),
    }
  }

  return {
    inTransaction: (work) => db.transaction((tx) => work(transaction(tx))),
    root: db,
    close: () => root.end(),
  }
}
