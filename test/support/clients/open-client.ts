/** The operations that a test needs of any client: run work in a transaction, run work in a savepoint of it, and close. */
import type { PublishTransaction } from '../../../src/transactions/open-transaction.ts'

export interface OpenClient {
  readonly inTransaction: (work: Work) => Promise<void>
  /** The object that a caller may pass by mistake: it is connected, but it is not a transaction. */
  readonly root: unknown
  readonly close: () => Promise<void>
}

export type Work = (transaction: OpenTransaction) => Promise<void>

export interface OpenTransaction {
  readonly tx: PublishTransaction
  readonly run: (statement: string) => Promise<unknown>
  readonly inSavepoint: (work: Work) => Promise<void>
}

/** For clients whose transactions have no savepoints: the caller writes them in SQL. */
export function withRawSavepoints(tx: PublishTransaction, run: OpenTransaction['run']): OpenTransaction {
  const itself: OpenTransaction = {
    tx,
    run,
    async inSavepoint(work) {
      await run('savepoint inner_part')
      try {
        await work(itself)
      } catch (error) {
        await run('rollback to savepoint inner_part')
        throw error
      }
      await run('release savepoint inner_part')
    },
  }
  return itself
}
