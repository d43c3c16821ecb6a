/**
 * Anything with `executeSql(text, values)`: the way in for a database client that Postbus does not know.
 *
 * It must run the statement inside the open transaction that it represents. This cannot be checked here; the database
 * refuses a statement that runs in autocommit.
 */
import type { ExecuteSqlTransaction } from '../transaction.ts'
import { hasMethods, type SqlExecutor } from './executor.ts'

export function openExecuteSql(tx: unknown): SqlExecutor | undefined {
  if (!isExecuteSql(tx)) return undefined

  return {
    executeSql: (text, values) => tx.executeSql(text, values),
    settings: 'the `executeSql` that was given as `tx`',
  }
}

function isExecuteSql(tx: unknown): tx is ExecuteSqlTransaction {
  return hasMethods(tx, 'executeSql')
}
