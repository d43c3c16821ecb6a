/**
 * Statements that a connection prepares once and then runs by a name: the server need not parse and plan them again.
 *
 * A name contains a hash of its text. Behind a pooler, programs that know nothing of each other share sessions, and one must not
 * run a statement that another has prepared under the same name.
 */
import { createHash } from 'node:crypto'
import type { Statement } from './queryable.ts'

/** Each prepared statement takes memory in each session. A program with more, for example with very many queues, sends the rest unprepared. */
const MOST_NAMES = 256

/** SQLSTATEs: there is no such prepared statement; there already is one of that name. */
const NOT_PREPARED = new Set(['26000', '42P05'])

export interface PreparedStatements {
  /** The name to run it by. `undefined`: send it unprepared. */
  nameOf(statement: Statement): string | undefined
  /** Whether the error says that preparing does not work here. If so, `nameOf` returns no names from then on. */
  gaveUpOn(error: unknown): boolean
}

export function preparedStatements(isWanted: boolean): PreparedStatements {
  const names = new Map<string, string>()
  let isOn = isWanted

  return {
    nameOf({ name, text }) {
      if (!isOn || name === undefined) return undefined
      const known = names.get(text)
      if (known !== undefined || names.size >= MOST_NAMES) return known
      const made = `postbus_${name}_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
      names.set(text, made)
      return made
    },
    gaveUpOn(error) {
      if (!NOT_PREPARED.has(codeOf(error))) return false
      isOn = false
      return true
    },
  }
}

/** Whether a migration has changed the columns of a prepared statement's rows. The next connection prepares the statement again. */
export function isOutdated(error: unknown): boolean {
  return codeOf(error) === '0A000' && Reflect.get(error as object, 'routine') === 'RevalidateCachedQuery'
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
