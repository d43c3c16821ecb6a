/**
 * The front door for a caller's own transaction, of any database client: an event is written through it, or refused with
 * a sentence that says what to pass instead.
 *
 * Nothing here sends SQL. A transaction that the client still calls open, but whose connection is back in autocommit, is
 * found by the database itself when the statement runs (SQLSTATE PB003, see `database-error.ts`).
 */
import type { SqlExecutor } from './clients/executor.ts'
import type { OpenClient } from './clients/executor.ts'
import { openDrizzle } from './clients/drizzle.ts'
import { openExecuteSql } from './clients/execute-sql.ts'
import { openKnex } from './clients/knex.ts'
import { openKysely } from './clients/kysely.ts'
import { openMikroOrm } from './clients/mikro-orm.ts'
import { openPg } from './clients/pg.ts'
import { openPostgresJs } from './clients/postgres-js.ts'
import { openPrisma } from './clients/prisma.ts'
import { openTypeorm } from './clients/typeorm.ts'
import { notRecognised } from './refusal.ts'

export type { PublishTransaction } from './transaction.ts'
export type { SqlExecutor } from './clients/executor.ts'

/** In the order of asking: first `executeSql`, which was written for Postbus; last the least distinctive shape (`query`). */
const clients: readonly OpenClient[] = [
  openExecuteSql,
  openKysely,
  openKnex,
  openPrisma,
  openDrizzle,
  openTypeorm,
  openMikroOrm,
  openPostgresJs,
  openPg,
]

/**
 * Turns the caller's transaction into the one thing publishing needs: a way to run a statement inside it.
 *
 * Synchronous, so that the statement can be sent in the caller's own turn. Between this and `executeSql` there must be no
 * `await`: a caller who forgets to await `publish()` would otherwise commit in between.
 *
 * @throws {PostbusError} `POSTBUS_NOT_A_TRANSACTION`, `POSTBUS_TRANSACTION_FINISHED` or `POSTBUS_TRANSACTION_ABORTED`,
 * before any SQL is sent.
 */
export function openTransaction(tx: unknown): SqlExecutor {
  for (const open of clients) {
    const executor = open(tx)
    if (executor) return executor
  }
  throw notRecognised(tx)
}
