/** Kysely, with its two kinds of transaction: one around a callback, and one that the caller ends by hand. */
import { type ControlledTransaction, Kysely, PostgresDialect, sql } from 'kysely'
import { Pool } from 'pg'
import { type OpenClient, type OpenTransaction, withRawSavepoints, type Work } from './open-client.ts'

export async function openKysely(connectionString: string): Promise<OpenClient> {
  const db = kyselyOn(connectionString)
  return {
    inTransaction: (work) =>
      db.transaction().execute((tx) => work(withRawSavepoints(tx, (statement) => sql.raw(statement).execute(tx)))),
    root: db,
    close: () => db.destroy(),
  }
}

export async function openControlledKysely(connectionString: string): Promise<OpenClient> {
  const db = kyselyOn(connectionString)

  async function inTransaction(work: Work): Promise<void> {
    const tx = await db.startTransaction().execute()
    try {
      await work(controlled(tx))
    } catch (error) {
      await tx.rollback().execute()
      throw error
    }
    await tx.commit().execute()
  }

  return { inTransaction, root: db, close: () => db.destroy() }
}

function controlled(tx: ControlledTransaction<unknown, string[]>): OpenTransaction {
  return {
    tx,
    run: (statement) => sql.raw(statement).execute(tx),
    async inSavepoint(work) {
      const inner = await tx.savepoint('inner').execute()
      try {
        await work(controlled(inner))
      } catch (error) {
        await inner.rollbackToSavepoint('inner').execute()
        throw error
      }
      await inner.releaseSavepoint('inner').execute()
    },
  }
}

function kyselyOn(connectionString: string): Kysely<unknown> {
  return new Kysely({ dialect: new PostgresDialect({ pool: new Pool({ connectionString, max: 2 }) }) })
}
