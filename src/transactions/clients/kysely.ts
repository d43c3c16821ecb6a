/**
 * Kysely: the `trx` of `db.transaction().execute(…)`, or a controlled transaction from `db.startTransaction()`.
 *
 * Both know when they have ended (seen in 0.29.9). A version that does not know would run the statement on a connection
 * that it has already released; then the database refuses it.
 */
import { CompiledQuery } from 'kysely'
import { hasSqlState } from '../database-error.ts'
import { hasMethods, type Rows, type SqlExecutor } from './executor.ts'
import { notATransaction, transactionFinished } from '../refusal.ts'

interface Queries {
  readonly isTransaction: boolean
  withoutPlugins(): { executeQuery(query: CompiledQuery): Promise<{ rows: Rows }> }
  getExecutor(): { provideConnection(consumer: () => Promise<void>): Promise<void> }
}

export function openKysely(tx: unknown): SqlExecutor | undefined {
  if (!isKysely(tx)) return undefined
  if (!tx.isTransaction) {
    throw notATransaction('a Kysely instance', 'the `trx` of `db.transaction().execute(…)`')
  }
  if (hasEnded(tx)) throw transactionFinished('a Kysely transaction')

  return {
    executeSql: (text, values) => execute(tx, text, values),
    settings: 'the dialect, or the driver below it (type parsers, `transform`)',
  }
}

/** Without plugins, because they rename the columns of the answer. */
async function execute(tx: Queries, text: string, values: readonly unknown[]): Promise<{ rows: Rows }> {
  try {
    const result = await tx.withoutPlugins().executeQuery(CompiledQuery.raw(text, [...values]))
    return { rows: result.rows }
  } catch (error) {
    if (!hasSqlState(error) && hasEnded(tx)) throw transactionFinished('a Kysely transaction', error)
    throw error
  }
}

/**
 * Asks for the connection and does nothing with it: nothing is sent, and a transaction that has ended throws at once.
 * Kysely offers no other way to find out.
 */
function hasEnded(tx: Queries): boolean {
  try {
    // The transaction may end while this waits for its turn. The rejection of this promise is then ignored.
    tx.getExecutor()
      .provideConnection(async () => undefined)
      .catch(() => undefined)
    return false
  } catch {
    return true
  }
}

function isKysely(tx: unknown): tx is Queries {
  return hasMethods(tx, 'executeQuery', 'getExecutor', 'withoutPlugins') && 'isTransaction' in tx
}
