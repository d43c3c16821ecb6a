/**
 * The functions of our schema: what publishers and workers call, each one round trip. They take the queue's name, so a thousand
 * queues share the same few functions, whose plans are made once per connection. `migrate` installs them.
 */
import type { Queryable } from '../connection.ts'
import { AS_A_GUEST } from '../schema/lock-waits.ts'
import type { Tables } from '../schema/tables.ts'
import { broadcastFunction } from './broadcast.ts'
import { cancelFunction } from './cancel.ts'
import { claimLanesFunction } from './claim-lanes.ts'
import { claimFunction } from './claim.ts'
import { completeFunction } from './complete.ts'
import { deliveriesFunction } from './deliveries.ts'
import { acknowledgeCompletedFunction, completeMembersFunction, settleCompletedFunctions } from './own-commits.ts'
import { dueFunction } from './due.ts'
import { eraseFunction, pruneExpiredFunction } from './erase.ts'
import { finishFunctions } from './finish.ts'
import { guardFunction } from './guard.ts'
import { handlerNumberFunction, turnHistoryFunction } from './history.ts'
import { importFunction } from './import.ts'
import { keepFunction } from './keep.ts'
import { logAcknowledgeFunction } from './log-acknowledge.ts'
import { logAdmitFunction } from './log-admit.ts'
import { logChangeFunctions } from './log-change.ts'
import { logLeaseFunctions } from './log-leases.ts'
import { logWatermarkFunction } from './log-watermark.ts'
import { paceFunctions } from './pace.ts'
import { resumeFunction } from './pauses.ts'
import { promoteFunction } from './promote.ts'
import { pruneFunction } from './prune.ts'
import { publishEventFunction } from './publish-event.ts'
import { publishFunctions } from './publish.ts'
import { recoverFunction } from './recover.ts'
import { isGatedFunction, redeliverFunctions } from './redeliver.ts'
import { rewindFunction } from './rewind.ts'
import { setAsideFunction } from './set-aside.ts'
import { settleLanesFunction } from './settle-lanes.ts'
import { settleFunction } from './settle.ts'
import { skipHeadFunction } from './skip-head.ts'
import { supersedeFunction } from './supersede.ts'
import { sweepFunction } from './sweep.ts'
import { walkFunction } from './walk.ts'

/** Raised with every change of a function. `migrate` brings a schema up to this version, and workers refuse an older one. */
export const FUNCTIONS_VERSION = 24

/** A function comes after the functions that it uses: they are installed one after the other, while publishers and workers go on. */
const FUNCTIONS: readonly ((tables: Tables) => string)[] = [
  handlerNumberFunction,
  promoteFunction,
  resumeFunction,
  walkFunction,
  setAsideFunction,
  claimFunction,
  claimLanesFunction,
  settleFunction,
  settleLanesFunction,
  supersedeFunction,
  cancelFunction,
  completeFunction,
  completeMembersFunction,
  keepFunction,
  recoverFunction,
  sweepFunction,
  skipHeadFunction,
  rewindFunction,
  dueFunction,
  turnHistoryFunction,
  pruneFunction,
  eraseFunction,
  pruneExpiredFunction,
  deliveriesFunction,
  importFunction,
  guardFunction,
  logWatermarkFunction,
  logAdmitFunction,
  logAcknowledgeFunction,
  acknowledgeCompletedFunction,
  broadcastFunction,
]

/**
 * Installs or replaces our functions. A release that changes the parameters or the result of a function gives it another name, so
 * that the workers of the previous release keep theirs.
 */
export async function createFunctions(database: Queryable, tables: Tables): Promise<void> {
  for (const statement of [
    isGatedFunction(tables),
    ...finishFunctions(tables),
    ...publishFunctions(tables),
    publishEventFunction(tables),
    ...FUNCTIONS.map((one) => one(tables)),
    ...settleCompletedFunctions(tables),
    ...redeliverFunctions(tables),
    ...logLeaseFunctions(tables),
    ...logChangeFunctions(tables),
    ...paceFunctions(tables),
  ]) {
    await database.query(`${AS_A_GUEST} ${statement}`)
  }
  await database.query(`comment on table ${tables.migration} is '${COMMENT}${FUNCTIONS_VERSION}'`)
}

/** The installed version of the functions; 0 if the comment is missing. */
export async function installedFunctions(database: Queryable, tables: Tables): Promise<number> {
  const { rows } = await database.query<{ comment: string | null }>(
    `select obj_description(to_regclass($1), 'pg_class') as comment`,
    [tables.migration],
  )
  return Number(rows[0]?.comment?.split(COMMENT)[1] ?? 0)
}

const COMMENT = 'migrations of Postbus, functions '
