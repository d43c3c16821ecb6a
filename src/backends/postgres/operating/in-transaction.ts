/** Calls one of our SQL functions, in the caller's transaction if there is one. The function returns one text. */
import { PostbusError } from '../../../errors.ts'
import { isPlainObject } from '../../../realm.ts'
import { explainDatabaseError } from '../../../transactions/database-error.ts'
import { openTransaction, type SqlExecutor } from '../../../transactions/open-transaction.ts'
import { readTexts } from '../../../transactions/read-texts.ts'
import type { PublishTransaction } from '../../../transactions/transaction.ts'
import type { Tables } from '../schema/tables.ts'
import type { OperatorParts } from './operating.ts'
import { withReachableDatabase } from './reachable.ts'

interface Call {
  /** `select f($1)`, where the function returns a text. */
  readonly text: string
  readonly values: readonly unknown[]
}

/** Runs the call in `tx`, or in a transaction of its own. */
export async function calledIn(
  tx: PublishTransaction | undefined,
  { connection, tables }: Pick<OperatorParts, 'connection' | 'tables'>,
  call: Call,
): Promise<string> {
  if (tx !== undefined) return resultOf(openTransaction(tx), tables, call)
  return withReachableDatabase(async () => {
    const database = await connection.pool()
    const alone: SqlExecutor = {
      executeSql: (text, values) => database.query({ text, values: [...values] }),
      settings: 'something between Postbus and pg',
    }
    return resultOf(alone, tables, call)
  })
}

async function resultOf(executor: SqlExecutor, { names }: Tables, call: Call): Promise<string> {
  try {
    const [result] = await readTexts(executor, call, (text) => text)
    return result ?? ''
  } catch (error) {
    throw explainDatabaseError(error, names.postbus)
  }
}

/** Separates `tx` from the other options, which the caller checks. */
export function withoutTransaction<Options extends { readonly tx?: PublishTransaction }>(
  what: string,
  given: Options | undefined,
): { readonly tx: PublishTransaction | undefined; readonly rest: Omit<Options, 'tx'> } {
  const options: unknown = given ?? {} // JavaScript may pass anything
  if (!isPlainObject(options)) {
    const mend = 'its options are no object. Pass the transaction as `{ tx }`.'
    throw new PostbusError('POSTBUS_NOT_A_TRANSACTION', `${what}: ${mend}`)
  }
  const { tx, ...rest } = options as Options
  if (!('tx' in options) || tx !== undefined) return { tx, rest }
  const mend = '`tx` is undefined. Leave it out for a transaction of its own.'
  throw new PostbusError('POSTBUS_NOT_A_TRANSACTION', `${what}: ${mend}`)
}
