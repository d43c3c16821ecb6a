/**
 * Runs deliveries inside one open transaction. The claim and settle statements of a worker run on its connection, one after
 * the other, and each attempt has a savepoint. If the test rolls back, nothing has happened.
 */
import type { Queryable } from '../../backends/postgres/connection.ts'
import type { DeliveryStore } from '../../deliveries/delivery-store.ts'
import { withPresentNames } from '../../backends/postgres/deliveries/names.ts'
import { createDeliveryStore, type DeliveryConnection } from '../../backends/postgres/postgres-backend.ts'
import { openTransaction, type SqlExecutor } from '../../transactions/open-transaction.ts'
import { PostbusError } from '../../errors.ts'
import type { Outcome } from '../../handlers/outcome.ts'
import type { Emit } from '../../signals.ts'
import type { PublishTransaction } from '../../transactions/transaction.ts'
import type { ConcludedAttempt } from '../../attempt/concluded-attempt.ts'
import type { Attempts } from '../../attempt/attempts.ts'
import { worksOf } from './works.ts'
import { inTheCallersTransaction } from './callers-transaction.ts'
import { Tally, type WorkerCounts } from '../../worker/tally.ts'
import type { DatabaseBus } from '../database/current-bus.ts'
import type { Endlessness } from './endlessness.ts'

/** Deliveries per claim. Claimed together they run in the order of publishing, though in one transaction all are due at the same time. */
const BATCH = 100

export interface Inside {
  readonly store: DeliveryStore
  readonly database: Queryable
  readonly executor: SqlExecutor
  /**
   * Makes new heads of lanes due. A delivery that became the head of its lane after the transaction began is due by the clock, but
   * not by the transaction's time, which does not advance.
   */
  letHeadsRun(queue: string): Promise<void>
}

/** @throws {PostbusError} what `publish` throws for a `tx` that is not an open transaction. */
export function inside(tx: PublishTransaction, { backend, registry, emit }: DatabaseBus): Inside {
  const executor = openTransaction(tx)
  const database = inTheCallersTransaction(executor)
  const connection: DeliveryConnection = {
    pool: async () => database,
    listener: refuseConnection,
    separatePool: refuseConnection,
  }
  return {
    store: withPresentNames(createDeliveryStore({ connection, lifeline: connection }, backend.tables, emit), registry),
    database,
    executor,
    async letHeadsRun(queue) {
      const { clock, delivery, jobNow } = backend.tables
      await database.query(
        `update ${delivery} job set start_after = ${jobNow}
        where job.name = $1 and job.state = 'retry' and job.started_on is null and not job.blocked
          and job.start_after > ${jobNow} and job.start_after <= ${clock}`,
        [queue],
      )
    },
  }
}

export interface TransactionRunParts extends Inside, Attempts {
  readonly queues: readonly string[]
  readonly endlessness: Endlessness
  readonly emit: Emit
}

/** Runs what is due, queue by queue, until a whole round finds nothing. */
export function transactionRun({
  store,
  executor,
  letHeadsRun,
  queues,
  endlessness,
  emit,
  ...attempts
}: TransactionRunParts) {
  const tally = new Tally()

  async function drainQueue(queue: string): Promise<number> {
    const { deliveries, more } = await store.claim(queue, BATCH)
    for (const work of worksOf(deliveries, attempts)) {
      const concluded = await inSavepoint(executor, work.handler, () => work.run(emit))
      for (const { outcome, settlement } of concluded) {
        await store.settle(queue, [settlement])
        await letHeadsRun(queue)
        tally.count(outcome)
        endlessness.check(settlement.delivery, outcome)
      }
    }
    return more ? Math.max(1, deliveries.length) : deliveries.length
  }

  return {
    counts: (): WorkerCounts => tally.counts(),
    async run(): Promise<void> {
      for (let found = 1; found > 0;) {
        found = 0
        for (const queue of queues) found += await drainQueue(queue)
      }
    },
  }
}

/**
 * Undoes what a failed attempt wrote through the transaction, as if the handler had had a transaction of its own. A batch is undone
 * only if all of it has failed.
 */
async function inSavepoint(
  executor: SqlExecutor,
  handler: string,
  work: () => Promise<readonly ConcludedAttempt[]>,
): Promise<readonly ConcludedAttempt[]> {
  await executor.executeSql('savepoint postbus_attempt', [])
  const result = await work()
  if (result.every(({ outcome }) => hasFailed(outcome)))
    await executor.executeSql('rollback to savepoint postbus_attempt', [])
  await executor.executeSql('release savepoint postbus_attempt', []).catch((error: unknown) => {
    throw abortedBy(handler, error)
  })
  return result
}

function hasFailed(outcome: Outcome): boolean {
  return outcome.is === 'retry' || (outcome.is === 'dead' && outcome.error !== null)
}

function abortedBy(handler: string, cause: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_TRANSACTION_ABORTED',
    `Handler "${handler}" ended without an error, but left the transaction unusable: it caught the error of a statement, ` +
      'or ended the transaction. Run a statement that may fail in a savepoint of its own, and leave commit and rollback to the test.',
    { cause },
  )
}

function refuseConnection(): never {
  throw new Error('A transaction has one connection.') // nothing that runs here asks for another one
}
