/**
 * node-postgres: a `Client`, or a client checked out of a `Pool`, on which `begin` was run.
 *
 * With every answer, the server says whether a transaction is open, and recent versions of pg remember it
 * (`getTransactionStatus`). A client is the same object in every transaction. So a client that was released and now
 * serves another transaction looks like a client in yours.
 */
import { hasMethods, rowsOf, type Rows, type SqlExecutor } from './executor.ts'
import { notATransaction, transactionAborted } from '../refusal.ts'

interface Queries {
  query(text: string, values: readonly unknown[]): Promise<{ rows: Rows }>
}

const whatToPass = 'the client of `pool.connect()` on which you ran `begin`'

export function openPg(tx: unknown): SqlExecutor | undefined {
  if (isPool(tx)) throw notATransaction('a pg Pool', whatToPass)
  if (!isClient(tx)) return undefined
  const status = transactionStatus(tx)
  if (status === 'none') throw notATransaction('a pg client with no open transaction', whatToPass)
  if (status === 'aborted') throw transactionAborted()

  return {
    executeSql: async (text, values) => rowsOf(await tx.query(text, [...values])),
    settings: 'the type parser of `text` (`types` of the client, or `pg.types.setTypeParser`)',
  }
}

/**
 * The transaction status that the server last reported for this connection. It is unknown while a statement is running,
 * because that may be the `begin`, and for clients that do not report it; then the database decides.
 */
export function transactionStatus(client: unknown): 'open' | 'aborted' | 'none' | 'unknown' {
  if (!hasMethods(client, 'getTransactionStatus')) return 'unknown'
  if (Reflect.get(client, 'readyForQuery') === false) return 'unknown'

  const status = client.getTransactionStatus()
  if (status === 'T') return 'open'
  return status === 'E' ? 'aborted' : 'none'
}

function isPool(tx: unknown): boolean {
  return hasMethods(tx, 'query', 'connect') && typeof Reflect.get(tx, 'totalCount') === 'number'
}

function isClient(tx: unknown): tx is Queries {
  return hasMethods(tx, 'query', 'escapeLiteral') || hasMethods(tx, 'query', 'getTransactionStatus')
}
