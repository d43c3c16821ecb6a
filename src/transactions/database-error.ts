/**
 * Translates errors of the database into Postbus's own, for every client, no matter how deep the client has wrapped
 * them.
 */
import { PostbusError, type PostbusErrorCode } from '../errors.ts'
import { safeTextOfError } from '../error-text.ts'
import { transactionAborted, transactionFinished, transactionTimedOut } from './refusal.ts'

/** The codes that our own SQL function raises. The function writes their messages, which say what to do. */
const raisedByOurFunction: Readonly<Record<string, PostbusErrorCode>> = {
  PB001: 'POSTBUS_SCHEMA_OUTDATED',
  PB002: 'POSTBUS_QUEUE_MISSING',
  PB003: 'POSTBUS_TRANSACTION_FINISHED',
}

/** `undefined_schema`, `undefined_function`, `undefined_table`: something that our own statements use does not exist. */
const missing = ['3F000', '42883', '42P01']

/** Prisma's own code for a transaction that has ended. Prisma raises it before any SQL. */
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

/** Returns a {@link PostbusError} with the original as its cause, if the error is one that we explain; otherwise the same object. */
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

/** The SQLSTATEs of a serialization failure and a deadlock, and Prisma's own code for both. */
const CONFLICTS = ['40001', '40P01', 'P2034']

/**
 * Whether a transaction failed because of other transactions, and may succeed when it is run again: a serialization failure, or a
 * deadlock.
 */
export function isConflict(error: unknown): boolean {
  return answersIn(error).some(({ code }) => CONFLICTS.includes(code))
}

/** Whether the error comes from the database itself, and not from a client that sent nothing. */
export function hasSqlState(error: unknown): boolean {
  return answersIn(error).length > 0
}

/**
 * Finds everything inside the error that has a code of five characters. pg, postgres.js, Knex and Kysely throw the answer
 * itself; Drizzle wraps it as `cause`; Prisma 7 has it under `meta.driverAdapterError.cause`, older ones in `meta`.
 */
function answersIn(error: unknown, depth = 0): readonly DatabaseAnswer[] {
  if (typeof error !== 'object' || error === null || depth > 5) return []

  const code: unknown = Reflect.get(error, 'code')
  const message: unknown = Reflect.get(error, 'message')
  const itself = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? [{ code, message: String(message) }] : []
  const inside = ['cause', 'meta', 'driverAdapterError'].map((key): unknown => Reflect.get(error, key))
  return [...itself, ...inside.flatMap((hidden) => answersIn(hidden, depth + 1))]
}

/** Prisma has one code for a transaction that has ended and for a transaction that took too long. Only the second error has a limit. */
function endedByPrisma(error: unknown): PostbusError {
  const meta: unknown = Reflect.get(Object(error), 'meta')
  const limitMs: unknown = Reflect.get(Object(meta), 'timeout')
  // Prisma 6 and older only say it in their message. Only the wording of our message depends on this match.
  const isOlder = /expired transaction/.test(`${safeTextOfError(error)} ${String(Reflect.get(Object(meta), 'error'))}`)
  if (typeof limitMs !== 'number' && !isOlder) return transactionFinished('a Prisma transaction', error)
  const limit = typeof limitMs === 'number' ? `its \`timeout\` of ${limitMs} ms` : 'its `timeout`, 5,000 ms by default'
  return transactionTimedOut(
    'The Prisma transaction',
    `${limit}, an option of prisma.$transaction(fn, { timeout })`,
    error,
  )
}

/** Knex puts the statement in front of the server's message. */
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
