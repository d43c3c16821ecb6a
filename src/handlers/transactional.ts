/**
 * Handlers that need a transaction of the application: `transactional: true`, which a worker begins for each attempt, and
 * `runs: 'in-transaction'`, which is the publisher's.
 */
import type { RegisteredTransaction } from '../transactions/register.ts'
import type { HandlerContext } from './handler-context.ts'

/** The context of a handler that has a transaction: it always has `tx`. */
export interface TransactionalContext extends Omit<HandlerContext, 'tx'> {
  /**
   * The transaction in which the handler runs, of the application's own client. What is written in it, and published by
   * `context.publish`, is committed if and only if the handler succeeds.
   */
  readonly tx: RegisteredTransaction
}

export type Runs = 'in-worker' | 'in-transaction'

/** The context that a definition leads to: only the literals `true` and `'in-transaction'` promise a transaction. */
export type ContextFor<Transactional extends boolean, Where extends Runs> = [Transactional] extends [true]
  ? TransactionalContext
  : [Where] extends ['in-transaction']
    ? TransactionalContext
    : HandlerContext

/** The part of a handler that this file uses. */
interface Defined {
  readonly options: { readonly runs: Runs; readonly transactional: boolean }
}

/** Whether the handler runs inside `publish`, so that nothing is stored for it. */
export function runsInPublish({ options }: Defined): boolean {
  return options.runs === 'in-transaction'
}

/** Whether the handler must run in a transaction of the application, in a worker or inside `publish`. */
export function needsTransaction({ options }: Defined): boolean {
  return options.transactional || options.runs === 'in-transaction'
}

/** Options that only a worker can fulfil. */
const FOR_WORKERS = [
  'priority',
  'maxAttempts',
  'backoff',
  'queue',
  'concurrency',
  'onDead',
  'backfill',
  'delivery',
  'shards',
  'transactional',
  'ordered',
  'coalesce',
  'rateLimit',
  'circuitBreaker',
  'isRetryable',
] as const

/** Returns the problem of an option that does not fit a transaction, or `null`. `given`: the options as they were written. */
export function transactionProblem(
  {
    transactional,
    runs,
    delivery,
    coalesce,
  }: Defined['options'] & { readonly delivery: string; readonly coalesce?: string | undefined },
  given: object,
): string | null {
  if (runs === 'in-transaction') {
    const stranger = FOR_WORKERS.find((option) => Reflect.get(given, option) !== undefined)
    if (stranger === undefined) return null
    return `expected no \`${stranger}\`: with \`runs: 'in-transaction'\` it runs once, inside \`publish\`, and no worker sees it. Take \`${stranger}\` out.`
  }
  if (transactional && delivery === 'log' && coalesce !== undefined)
    return "expected no `coalesce` with `transactional` and `delivery: 'log'`: what was passed over is not remembered until the cursor moves, and could run after the newer one. Take it out, or use `delivery: 'job'`."
  return null
}
