/**
 * Says in Postbus's words what the database answered, whichever client carried the answer and however deep it hid it.
 */
import { PostbusError, type PostbusErrorCode } from '../errors.ts'
import { safeTextOfError } from '../error-text.ts'
import { transactionAborted, transactionFinished, transactionTimedOut } from './refusal.ts'

/** The codes our own SQL function raises. Their message is written there, and says what to do. */
const raisedByOurFunction: Readonly<Record<string, PostbusErrorCode>> = {
  PB001: 'POSTBUS_SCHEMA_OUTDATED',
  PB002: 'POSTBUS_QUEUE_MISSING',
  PB003: 'POSTBUS_TRANSACTION_FINISHED',
}

/** `undefined_schema`, `undefined_function`, `undefined_table`: what our own statements name is not there. */
const missing = ['3F000', '42883', '42P01']

/** Prisma's own word for a transaction that has ended; it says so before any SQL. */
const closedByPrisma = 'P2028'

/** The server ended the transaction itself, by one of its settings. */
const timedOut: ReadonlyMap<string, string> = new Map([
  ['25P03', 'the `idle_in_transaction_session_timeout` of the database'],
  ['25P04', 'the `transaction_timeout` of the database'],
])

interface DatabaseAnswer {
  readonly code: string
  readonly message: string
}

/** A {@link PostbusError} with the original as its cause, if the answer is one we have words for; else the same object. */
export function explainDatabaseError(error: unknown, schema = 'postbus'): unknown {
  if (error instanceof PostbusError) return error

  for (const { code, message } of answersIn(error)) {
    const ours = raisedByOurFunction[code]
    if (ours) return new PostbusError(ours, withoutStatement(message), { cause: error })
    if (code === '25P02') return transactionAborted(error)
    if (code === '25P01') return transactionFinished('a transaction', error) // a savepoint, in autocommit
    if (code === closedByPrisma) return endedByPrisma(error)
    if (timedOut.has(code)) return transactionTimedOut('Your transaction', timedOut.get(code) ?? '', error)
    if (missing.includes(code)) return schemaMissing(schema, error)
  }
  return error
}

/** Prisma's own word for the two below. */
const CONFLICTS = ['40001', '40P01', 'P2034']

/** Whether a transaction could not go on because of others, and may do so when it is run again: a serialization failure, or a deadlock. */
export function isConflict(error: unknown): boolean {
  return answersIn(error).some(({ code }) => CONFLICTS.includes(code))
}

/** Whether the database itself answered, as opposed to a client that refused to ask it. */
export function hasSqlState(error: unknown): boolean {
  return answersIn(error).length > 0
}

/**
 * Everything inside the error that has a code of five characters. pg, postgres.js, Knex and Kysely throw the answer itself;
 * Drizzle wraps it as `cause`; Prisma 7 has it under `meta.driverAdapterError.cause`, older ones in `meta`.
 */
function answersIn(error: unknown, depth = 0): readonly DatabaseAnswer[] {
  if (typeof error !== 'object' || error === null || depth > 5) return []

  const code: unknown = Reflect.get(error, 'code')
  const message: unknown = Reflect.get(error, 'message')
  const itself = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? [{ code, message: String(message) }] : []
  const inside = ['cause', 'meta', 'driverAdapterError'].map((key): unknown => Reflect.get(error, key))
  return [...itself, ...inside.flatMap((hidden) => answersIn(hidden, depth + 1))]
}

/** Prisma has one code for a transaction that was finished and for one that took too long; only the second has a limit. */
function endedByPrisma(error: unknown): PostbusError {
  const meta: unknown = Reflect.get(Object(error), 'meta')
  const limitMs: unknown = Reflect.get(Object(meta), 'timeout')
  // Prisma 6 and older say it in words alone, and only a sentence for people depends on them.
  const isOlder = /expired transaction/.test(`${safeTextOfError(error)} ${String(Reflect.get(Object(meta), 'error'))}`)
  if (typeof limitMs !== 'number' && !isOlder) return transactionFinished('a Prisma transaction', error)
  const limit = typeof limitMs === 'number' ? `its \`timeout\` of ${limitMs} ms` : 'its `timeout`, 5,000 ms by default'
  return transactionTimedOut(
    'The Prisma transaction',
    `${limit}, an option of prisma.$transaction(fn, { timeout })`,
    error,
  )
}

/** Knex puts the statement in front of what the server said. */
function withoutStatement(message: string): string {
  return message.replace(/^select [^-]+ - /, '')
}

function schemaMissing(schema: string, cause: unknown): PostbusError {
  return new PostbusError(
    'POSTBUS_SCHEMA_MISSING',
    `Schema "${schema}" is not installed in this database. Run: npx postbus migrate`,
    { cause },
  )
}
