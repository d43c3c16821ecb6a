/**
 * The transactions that `publish` accepts, described only by their methods, so that you need not install clients that you
 * do not use. Each type has a member that the client's pool, root client or database object lacks. So passing a pool, root client
 * or database object is a compile error. `clients/` uses them.
 */

/** Kysely: the `trx` of `db.transaction().execute(…)`, or a controlled transaction. A `Kysely<DB>` is not a transaction. */
export interface KyselyTransaction {
  readonly isTransaction: true
  executeQuery(query: never): Promise<{ rows: unknown[] }>
}

/** node-postgres: a client on which you ran `begin`. A `Pool` has no `escapeLiteral`. */
export interface PgTransaction {
  query(text: string, values: never): unknown
  escapeLiteral(text: string): string
}

/** postgres.js: the `sql` inside `sql.begin(…)`. The root `sql` has no `savepoint`. */
export interface PostgresJsTransaction {
  unsafe(query: string, parameters?: never): PromiseLike<unknown>
  savepoint(callback: never): Promise<unknown>
}

/** Drizzle: the `tx` of `db.transaction(…)`. A database has no `setTransaction`. */
export interface DrizzleTransaction {
  setTransaction(config: never): Promise<void>
  rollback(): never
  readonly _: { readonly session: object }
}

/** Knex: the `trx` of `knex.transaction(…)`. */
export interface KnexTransaction {
  isCompleted(): boolean
  raw(text: string, bindings: never): unknown
  savepoint(container: never): unknown
}

/** Prisma: the `tx` of `prisma.$transaction(async (tx) => …)`. A `PrismaClient` has `$connect`. */
export interface PrismaTransaction {
  $queryRawUnsafe(query: string, ...values: never[]): PromiseLike<unknown>
  readonly $connect?: never
}

/** TypeORM: the `manager` of `dataSource.transaction(…)`. Its type does not tell whether it is inside a transaction. */
export interface TypeormTransaction {
  readonly queryRunner?: object
  withRepository(repository: never): unknown
  query(text: string, parameters?: never): Promise<unknown>
}

/** TypeORM: a `QueryRunner` after `startTransaction()`. */
export interface TypeormQueryRunner {
  readonly isTransactionActive: boolean
  commitTransaction(): Promise<void>
  query(text: string, parameters?: never): Promise<unknown>
}

/** MikroORM 7: the `em` of `em.transactional(…)`. Its type does not tell whether it is inside a transaction. */
export interface MikroOrmTransaction {
  isInTransaction(): boolean
  getTransactionContext(): unknown
}

/** Anything else: your own way to run a statement inside your open transaction. */
export interface ExecuteSqlTransaction {
  executeSql(text: string, values: readonly unknown[]): Promise<{ rows: readonly Record<string, unknown>[] }>
}

/** What `publish(event, { tx })` accepts. */
export type PublishTransaction =
  | ExecuteSqlTransaction
  | KyselyTransaction
  | KnexTransaction
  | PrismaTransaction
  | DrizzleTransaction
  | TypeormTransaction
  | TypeormQueryRunner
  | MikroOrmTransaction
  | PostgresJsTransaction
  | PgTransaction
