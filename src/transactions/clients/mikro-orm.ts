/**
 * MikroORM 7: the `EntityManager` of `em.transactional(async (em) => …)`, or one on which you ran `begin()`.
 *
 * Its transaction is one of Kysely's, which the manager has for as long as it is in it. The statement goes there, with its
 * values beside it: MikroORM itself would write them into the text.
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

/** Kysely's controlled transactions say themselves how they have ended. */
function hasNoConnection(context: unknown): boolean {
  const { isCommitted, isRolledBack } = context as { readonly isCommitted?: unknown; readonly isRolledBack?: unknown }
  return isCommitted === true || isRolledBack === true
}

function isEntityManager(tx: unknown): tx is EntityManager {
  return hasMethods(tx, 'getTransactionContext', 'isInTransaction', 'getUnitOfWork')
}
