/** Where an application declares the type of its transactions once, for every `context.tx`. */
import type { PublishTransaction } from './transaction.ts'

/**
 * Empty: add `tx` to it. Otherwise `context.tx` has the type of any transaction that `publish` accepts.
 *
 * @example
 * declare module 'postbus' {
 *   interface Register {
 *     tx: Transaction<Database>
 *   }
 * }
 */
export interface Register {} // oxlint-disable-line typescript/no-empty-object-type -- declarations are merged into it

/** The type of the application's transactions. */
export type RegisteredTransaction = Register extends { readonly tx: infer Tx } ? Tx : PublishTransaction

/**
 * Runs `work` in a transaction of the application's own client: commits when `work` resolves, rolls back when it rejects, and
 * settles when that is done.
 *
 * @example (work) => db.transaction().execute(work)
 */
export type RunTransaction = (work: (tx: RegisteredTransaction) => Promise<void>) => PromiseLike<unknown>

/**
 * The same, for one of several buses.
 *
 * @example // each tenant has a schema of the application's own
 * (work, { schema }) => db.transaction().execute(async (tx) => {
 *   await sql`set local search_path to ${sql.id(schema)}`.execute(tx)
 *   await work(tx)
 * })
 */
export type RunTransactionOf = (
  work: (tx: RegisteredTransaction) => Promise<void>,
  bus: TransactionOf,
) => PromiseLike<unknown>

/** The bus for which a transaction begins, in an application with several buses: one for each tenant. */
export interface TransactionOf {
  readonly name: string
  readonly schema: string
}
