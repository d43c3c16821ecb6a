/**
 * postgres.js: the `sql` of `sql.begin(async (sql) => …)`, or of a savepoint inside it.
 *
 * It does not tell whether the transaction is still open. After the end it would run the statement in autocommit, which
 * the database refuses.
 */
import { hasMethods, type Rows, type SqlExecutor } from './executor.ts'
import { notATransaction } from '../refusal.ts'
import type { PostgresJsTransaction } from '../transaction.ts'

interface UnsafeQueries {
  unsafe(query: string, parameters: readonly unknown[], options: { prepare: boolean }): PromiseLike<Rows>
}

export function openPostgresJs(tx: unknown): SqlExecutor | undefined {
  if (!isPostgresJs(tx)) return undefined
  if (!hasMethods(tx, 'savepoint')) {
    const given = hasMethods(tx, 'release') ? 'a reserved postgres.js connection' : 'the root `sql` of postgres.js'
    throw notATransaction(given, 'the `sql` of `sql.begin(async (sql) => …)`')
  }

  return {
    executeSql: (text, values) => execute(tx, text, values),
    settings: '`transform` or `types` of postgres()',
    inSavepoint: (work) => savepoint(tx, work),
  }
}

function savepoint(tx: object, work: (inner: PostgresJsTransaction) => Promise<void>): Promise<unknown> {
  const { savepoint: run } = tx as {
    savepoint(work: (inner: PostgresJsTransaction) => Promise<void>): Promise<unknown>
  }
  return run(work)
}

/** Uses a prepared statement, like a tagged template; `prepare: false` in the connection's own options still wins. */
async function execute(sql: UnsafeQueries, text: string, values: readonly unknown[]): Promise<{ rows: Rows }> {
  const rows = await sql.unsafe(text, [...values], { prepare: true })
  return { rows: [...rows] }
}

function isPostgresJs(tx: unknown): tx is UnsafeQueries {
  return hasMethods(tx, 'unsafe', 'typed', 'file')
}
