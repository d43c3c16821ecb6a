/** Runs work in a transaction of the application, as `createBus({ transaction })` says. */
import type { AnyHandler } from '../handlers/handler.ts'
import { notRun, transactionRequired } from '../transactions/refusal.ts'
import type { RunTransaction } from '../transactions/register.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'

/**
 * Returns the result of `work` after the transaction has committed. `handlers`: the handlers that need the transaction.
 *
 * @throws {PostbusError} `POSTBUS_TRANSACTION_REQUIRED` when the bus has no `transaction`; `POSTBUS_TRANSACTION_NOT_RUN` when
 * `transaction` resolved before its work had ended; any error that the work or the client throws.
 */
export async function inOwnTransaction<Result>(
  transaction: RunTransaction | undefined,
  handlers: readonly Pick<AnyHandler, 'name'>[],
  work: (tx: PublishTransaction) => Promise<Result>,
): Promise<Result> {
  if (!transaction) throw transactionRequired(handlers)
  let results: readonly Result[] = []
  await transaction(async (tx) => {
    results = [] // some clients and applications retry the transaction by themselves
    const result = await work(tx)
    results = [result]
  })
  if (results.length === 0) throw notRun()
  return results[0] as Result
}
