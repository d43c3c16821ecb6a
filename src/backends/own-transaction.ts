/** Runs work in a transaction of the application, as `createBus({ transaction })` says. */
import { PostbusError } from '../errors.ts'
import type { AnyHandler } from '../handlers/handler.ts'
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

function transactionRequired(handlers: readonly Pick<AnyHandler, 'name'>[]): PostbusError {
  const names = handlers.map(({ name }) => `"${name}"`).join(', ')
  return new PostbusError(
    'POSTBUS_TRANSACTION_REQUIRED',
    `publish() is in no transaction, and ${names} needs one. Pass \`{ tx }\`, or tell the bus how to begin one: ` +
      'createBus({ transaction: (work) => db.transaction().execute(work) }). Nothing was published.',
  )
}

/** The `transaction` of a bus does not do what it is for. */
export function notRun(): PostbusError {
  return new PostbusError(
    'POSTBUS_TRANSACTION_NOT_RUN',
    'The `transaction` of createBus() resolved, but the work that it was given has not come to its end. It has to call the work with the ' +
      'transaction, to await it, to let its errors through, and to resolve when the commit is done: (work) => db.transaction().execute(work).',
  )
}
