/**
 * What every database client is reduced to: one statement with its values, run inside the caller's transaction.
 */
import type { PublishTransaction } from '../transaction.ts'

export interface SqlExecutor {
  executeSql(text: string, values: readonly unknown[]): Promise<{ rows: readonly Record<string, unknown>[] }>
  /** Which of the client's settings can change rows, in words: for the error that finds them changed. */
  readonly settings: string
  /**
   * Runs work in a savepoint, with a transaction of its own: for clients that let a transaction fail when a statement of it has failed,
   * even in a savepoint that they know nothing of. With the others, savepoints are statements.
   */
  readonly inSavepoint?: (work: (inner: PublishTransaction) => Promise<void>) => Promise<unknown>
}

/** Recognises its own client: an executor for an open transaction, an error for anything less, undefined for strangers. */
export type OpenClient = (tx: unknown) => SqlExecutor | undefined

export type Rows = readonly Record<string, unknown>[]

/** A client's result is its rows, or has them. */
export function rowsOf(result: Rows | { readonly rows: Rows }): { rows: Rows } {
  return { rows: 'rows' in result ? result.rows : result }
}

/** Whether all these are methods of the value. It only reads properties, for `in` throws on Prisma's proxies. */
export function hasMethods<Name extends string>(
  value: unknown,
  ...names: readonly Name[]
): value is Record<Name, (...values: never[]) => unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false

  return names.every((name) => typeof Reflect.get(value, name) === 'function')
}
