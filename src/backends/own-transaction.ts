/** Runs work in a transaction of the application, as `createBus({ transaction })` says. */
import type { AnyHandler } from '../handlers/handler.ts'
import { notRun, transactionRequired } from '../transactions/refusal.ts'
import type { RunTransaction } from '../transactions/register.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'

/**
 * Returns what `work` returned, when the transaction has committed. `handlers` are those for whom it is needed.
 *
 * @throws {PostbusError} `POSTBUS_TRANSACTION_REQUIRED` when the bus has no `transaction`; `POSTBUS_TRANSACTION_NOT_RUN` when that
 * resolved without having run its work to the end; what the work or the client throws.
 */
export async function inOwnTransaction<Result>(
  transaction: RunTransaction | undefined,
  handlers: readonly Pick<AnyHandler, 'name'>[],
  work: (tx: PublishTransaction) => Promise<Result>,
): Promise<Result> {
  if (!transaction) throw transactionRequired(handlers)
  let results: readonly Result[] = []
  await transaction(async (tx) => {
    results = [] // some clients, and some applications around them, begin once more by themselves
    const result = await work(tx)
    results = [result]
  })
  if (results.length === 0) throw notRun()
  return results[0] as Result
}
