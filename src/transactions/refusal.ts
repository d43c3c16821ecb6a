/** The errors about transactions that cannot be used. Most are raised before any SQL, so nothing was published. */
import { inspect } from 'node:util'
import { PostbusError } from '../errors.ts'

/** For a known client that would commit the event on its own: says where to get the transaction. */
export function notATransaction(given: string, pass: string): PostbusError {
  return new PostbusError(
    'POSTBUS_NOT_A_TRANSACTION',
    `publish() was given ${given}, not a transaction: the event could commit without your data. ` +
      `Pass ${pass}, or leave \`tx\` out to publish on its own.`,
  )
}

/** For a value that is not from a known client: says what is accepted. */
export function notRecognised(given: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_NOT_A_TRANSACTION',
    `publish() was given ${nameOf(given)} as \`tx\`, which is not a transaction of any client Postbus knows. Pass an open ` +
      'transaction of Kysely, pg, postgres.js, Drizzle, Knex, Prisma, TypeORM or MikroORM, or an object with ' +
      '`executeSql(text, values)`, or leave `tx` out to publish on its own.',
  )
}

export function transactionFinished(given: string, cause?: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_TRANSACTION_FINISHED',
    `publish() was given ${given}, but the transaction has already ended; nothing was published. ` +
      'Publish inside the callback, before the commit, and await it.',
    cause === undefined ? {} : { cause },
  )
}

/** For a transaction that was open for too long. Here no missing `await` is to blame. */
export function transactionTimedOut(which: string, limit: string, cause: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_TRANSACTION_FINISHED',
    `${which} took longer than ${limit}, and was rolled back before this publish; nothing was published. ` +
      'Do slow work, such as calls of other services, before the transaction begins, or raise the limit.',
    { cause },
  )
}

export function transactionAborted(cause?: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_TRANSACTION_ABORTED',
    'An earlier statement of your transaction failed, so Postgres refuses all others and this event was not published. ' +
      'Let that error end the transaction, or run the statement that may fail in a savepoint of its own.',
    cause === undefined ? {} : { cause },
  )
}

/** For handlers that need a transaction, if the bus has no option `transaction` to begin one. */
export function transactionRequired(handlers: readonly { readonly name: string }[]): PostbusError {
  const names = handlers.map(({ name }) => `"${name}"`).join(', ')
  return new PostbusError(
    'POSTBUS_TRANSACTION_REQUIRED',
    `${names} needs a transaction, and there is none. Tell the bus how to begin one: createBus({ transaction: (work) => ` +
      'db.transaction().execute(work) }); or pass `{ tx }` to publish(), for handlers that run inside of it.',
  )
}

/** For an option `transaction` that resolved without running the work to its end. */
export function notRun(): PostbusError {
  return new PostbusError(
    'POSTBUS_TRANSACTION_NOT_RUN',
    'The `transaction` of createBus() resolved, but the work that it was given has not come to its end. It has to call the work with the ' +
      'transaction, to await it, to let its errors through, and to resolve when the commit is done: (work) => db.transaction().execute(work).',
  )
}

/** For a client that changed our rows after the database sent them. */
export function rowsChanged(settings: string): PostbusError {
  return new PostbusError(
    'POSTBUS_ROWS_CHANGED',
    `A row of one text came back from your database client as something else, so Postbus cannot tell what it did: ${settings} ` +
      'changes it. Roll the transaction back, and have that setting leave rows of one text column as they are.',
  )
}

function nameOf(given: unknown): string {
  return inspect(given, { depth: 0, maxStringLength: 40, breakLength: Infinity })
}
