/** The one interface for all database clients: runs a statement with its values inside the caller's transaction. */
import type { PublishTransaction } from '../transaction.ts'

export interface SqlExecutor {
  executeSql(text: string, values: readonly unknown[]): Promise<{ rows: readonly Record<string, unknown>[] }>
  /** Text that names the client's settings which can change rows, for the error about changed rows. */
  readonly settings: string
  /**
   * Runs work in a savepoint, and passes it a transaction object for it. Set for clients that fail the whole transaction when one of
   * its statements fails, even inside a savepoint that they did not make. For other clients, savepoints are plain statements.
   */
  readonly inSavepoint?: (work: (inner: PublishTransaction) => Promise<void>) => Promise<unknown>
}

/**
 * Recognises its own client. Returns an executor for an open transaction, throws if the client has none open, and returns
 * `undefined` for other clients.
 */
export type OpenClient = (tx: unknown) => SqlExecutor | undefined

export type Rows = readonly Record<string, unknown>[]

/** The result of a client either is the list of rows, or contains it. */
export function rowsOf(result: Rows | { readonly rows: Rows }): { rows: Rows } {
  return { rows: 'rows' in result ? result.rows : result }
}

/** Whether all these are methods of the value. It only reads properties, because `in` throws on Prisma's proxies. */
export function hasMethods<Name extends string>(
  value: unknown,
  ...names: readonly Name[]
): value is Record<Name, (...values: never[]) => unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false

  return names.every((name) => typeof Reflect.get(value, name) === 'function')
}
