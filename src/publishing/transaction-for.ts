/** Decides to which transaction a publish belongs: the given one, the current one of the application, or its own. */
import { callerOf } from '../events/defined-at.ts'
import { PostbusError } from '../errors.ts'
import type { PublishOptions } from '../events/publish-result.ts'
import { isPlainObject } from '../realm.ts'
import type { PublishTransaction } from '../transactions/transaction.ts'

/** The options of a bus about the application's current transaction. */
export interface AmbientTransaction {
  /** Returns the transaction in which the caller is; `undefined` or `null` outside of any. */
  readonly currentTransaction?: (() => PublishTransaction | null | undefined) | undefined
  readonly requireTransaction: boolean
}

/** The called function, to find its caller, and its name for error messages. */
export interface Called {
  readonly call: (...parameters: never[]) => unknown
  readonly named: string
}

/**
 * Returns `undefined` for a transaction of its own. It must run synchronously in the publisher's call, with its async context. Two
 * mistakes would silently publish outside of a transaction, and are refused: a transaction passed in place of the options, and a `tx`
 * that is undefined by accident.
 */
export function transactionFor(
  options: PublishOptions,
  { currentTransaction, requireTransaction }: AmbientTransaction,
  { call, named }: Called,
): PublishTransaction | undefined {
  const given: unknown = options // JavaScript may pass anything
  if (!isPlainObject(given)) {
    throw notATransaction(named, 'its second argument is not `{ tx }`. Pass the transaction as `{ tx: trx }`.')
  }
  if ('tx' in options) {
    if (options.tx === 'own') return undefined
    if (options.tx !== undefined) return options.tx
    throw notATransaction(
      named,
      "`tx` is undefined. Leave it out, or say `tx: 'own'` to publish in a transaction of its own.",
    )
  }
  const around = currentTransaction?.() ?? undefined
  if (around !== undefined || !requireTransaction) return around
  throw new PostbusError(
    'POSTBUS_TRANSACTION_REQUIRED',
    `${named} ${callerOf(call)} is in no transaction, and this bus requires one: \`requireTransaction\` is set. Pass \`{ tx }\`, ` +
      `call it where \`currentTransaction\` finds one, or say \`{ tx: 'own' }\` where that is what you mean. Nothing was published.`,
  )
}

function notATransaction(named: string, problem: string): PostbusError {
  return new PostbusError('POSTBUS_NOT_A_TRANSACTION', `${named}: ${problem}`)
}
