/**
 * Handlers that need a transaction of the application: `transactional: true`, which a worker begins for each attempt, and
 * `runs: 'in-transaction'`, which is the publisher's.
 */
import type { RegisteredTransaction } from '../transactions/register.ts'
import type { HandlerContext } from './handler-context.ts'

/** The context of a handler that has a transaction: `tx` is there. */
export interface TransactionalContext extends Omit<HandlerContext, 'tx'> {
  /**
   * The transaction that the handler is in, of the application's own client. What is written in it, and published by `publish`, is there
   * if and only if the handler comes to its end.
   */
  readonly tx: RegisteredTransaction
}

export type Runs = 'in-worker' | 'in-transaction'

/** The context by what the definition says: only the literals `true` and `'in-transaction'` promise a transaction. */
export type ContextFor<Transactional extends boolean, Where extends Runs> = [Transactional] extends [true]
  ? TransactionalContext
  : [Where] extends ['in-transaction']
    ? TransactionalContext
    : HandlerContext

/** What this file has to know of a handler. */
interface Defined {
  readonly options: { readonly runs: Runs; readonly transactional: boolean }
}

/** Whether publishers run it, inside `publish`: nothing is stored for it. */
export function runsInPublish({ options }: Defined): boolean {
  return options.runs === 'in-transaction'
}

/** Whether it is to run in a transaction of the application, wherever it runs. */
export function needsTransaction({ options }: Defined): boolean {
  return options.transactional || options.runs === 'in-transaction'
}

/** What only a worker can do. */
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

/** What does not go together with a transaction; `null` when all of it does. `given`: what was written. */
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
