/**
 * Drizzle: the `tx` of `db.transaction(async (tx) => …)`, over any of its Postgres drivers.
 *
 * Over `pg`, the connection knows whether the transaction is still open. Over postgres.js this is not known here; there the
 * database refuses a statement that runs in autocommit.
 */
import { hasMethods, rowsOf, type Rows, type SqlExecutor } from './executor.ts'
import { transactionStatus } from './pg.ts'
import { notATransaction, transactionAborted, transactionFinished } from '../refusal.ts'
import type { DrizzleTransaction } from '../transaction.ts'

interface Session {
  readonly client?: unknown
  prepareQuery(
    query: { sql: string; params: readonly unknown[] },
    fields: undefined,
    name: undefined,
    isResponseInArrayMode: false,
  ): { execute(): Promise<Rows | { rows: Rows }> }
}

interface Nesting {
  transaction(work: (inner: DrizzleTransaction) => Promise<void>): Promise<unknown>
}

export function openDrizzle(tx: unknown): SqlExecutor | undefined {
  const session = sessionOf(tx)
  if (!session) return undefined
  if (!hasMethods(tx, 'setTransaction', 'rollback')) {
    throw notATransaction('a Drizzle database', 'the `tx` of `db.transaction(async (tx) => …)`')
  }
  const status = transactionStatus(session.client)
  if (status === 'none') throw transactionFinished('a Drizzle transaction')
  if (status === 'aborted') throw transactionAborted()

  return {
    executeSql: (text, values) => execute(session, text, values),
    settings: 'the driver below Drizzle (type parsers, `transform`)',
    inSavepoint: (work) => (tx as unknown as Nesting).transaction(work),
  }
}

/** Uses Drizzle's session and not its driver, so that the caller's query log shows the statement. */
async function execute(session: Session, text: string, values: readonly unknown[]): Promise<{ rows: Rows }> {
  const query = session.prepareQuery({ sql: text, params: values }, undefined, undefined, false)
  return rowsOf(await query.execute())
}

function sessionOf(tx: unknown): Session | undefined {
  if (!hasMethods(tx, 'execute', 'transaction')) return undefined

  const inside: unknown = Reflect.get(tx, '_')
  if (typeof inside !== 'object' || inside === null || !('session' in inside)) return undefined
  return isSession(inside.session) ? inside.session : undefined
}

function isSession(session: unknown): session is Session {
  return hasMethods(session, 'prepareQuery')
}
