/**
 * MikroORM 7: the `EntityManager` of `em.transactional(async (em) => …)`, or one on which you ran `begin()`.
 *
 * Its transaction is a Kysely transaction, which the manager holds while it is inside. The statement is sent through that
 * one, with separate values: MikroORM itself would write the values into the text.
 */
import { hasMethods, type SqlExecutor } from './executor.ts'
import { openKysely } from './kysely.ts'
import { notATransaction, transactionFinished } from '../refusal.ts'

interface EntityManager {
  getTransactionContext(): unknown
}

export function openMikroOrm(tx: unknown): SqlExecutor | undefined {
  if (!isEntityManager(tx)) return undefined
  const context = tx.getTransactionContext()
  if (!context) {
    throw notATransaction(
      'a MikroORM EntityManager outside of a transaction',
      'the `em` of `em.transactional(async (em) => …)`',
    )
  }
  const executor = openKysely(context)
  if (!executor) return undefined
  if (hasNoConnection(context)) throw transactionFinished('a MikroORM transaction')
  return { ...executor, settings: 'the driver below MikroORM (type parsers, `driverOptions`)' }
}

/** Kysely's controlled transactions record how they have ended. */
function hasNoConnection(context: unknown): boolean {
  const { isCommitted, isRolledBack } = context as { readonly isCommitted?: unknown; readonly isRolledBack?: unknown }
  return isCommitted === true || isRolledBack === true
}

function isEntityManager(tx: unknown): tx is EntityManager {
  return hasMethods(tx, 'getTransactionContext', 'isInTransaction', 'getUnitOfWork')
}
