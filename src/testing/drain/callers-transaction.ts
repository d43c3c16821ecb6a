/**
 * Runs our statements on the connection of a test's own client. Each row comes back as one text of JSON, because the client
 * may be configured to change columns and values in any way.
 */
import type { Queryable, Statement } from '../../backends/postgres/connection.ts'
import type { SqlExecutor } from '../../transactions/open-transaction.ts'
import { readTexts } from '../../transactions/read-texts.ts'

type Row = Readonly<Record<string, unknown>>

export function inTheCallersTransaction(executor: SqlExecutor): Queryable {
  return {
    async query<Wanted extends object>(given: string | Statement, values?: unknown[]) {
      const statement: Statement = typeof given === 'string' ? { text: given, ...(values && { values }) } : given
      const rows = await rowsOf(executor, statement)
      if (statement.rowMode !== 'array') return { rows: rows as Wanted[] } // the statement determines the form of its rows
      const fields = Object.keys(rows[0] ?? {}).map((name) => ({ name }))
      return { rows: rows.map((row) => Object.values(row)) as unknown as Wanted[], fields }
    },
  }
}

async function rowsOf(executor: SqlExecutor, { text, values: given = [] }: Statement): Promise<readonly Row[]> {
  const statement = withTextForJson(text)
  const values = given.map((value) => (Array.isArray(value) ? arrayText(value) : value))
  if (hasRows(text)) return readTexts(executor, { text: asJson(statement), values }, rowIn)
  await executor.executeSql(statement, values)
  return []
}

/** Our statements pass JSON as text. postgres.js encodes the value of a JSON parameter itself, so JSON would be encoded twice. */
function withTextForJson(statement: string): string {
  return statement.replaceAll(/(\$\d+)::jsonb/g, '$1::text::jsonb')
}

/** Not every client can write arrays, or asks the database how to write them. */
function arrayText(values: readonly (string | number | null)[]): string {
  const elements = values.map((value) => (value === null ? 'NULL' : `"${String(value).replaceAll(/["\\]/g, '\\$&')}"`))
  return `{${elements.join(',')}}`
}

function hasRows(statement: string): boolean {
  return /^\s*(select|with)\b|\breturning\b/i.test(statement)
}

/** Begins the text of each row: a client that changes texts changes this mark too, so the change is noticed. */
const MARK = 'Row '

function asJson(statement: string): string {
  return `with answer as (${statement}) select pg_catalog.format('${MARK}%s', pg_catalog.row_to_json(answer)) as answer from answer`
}

/** Columns that have another form in JSON than in a row: integers that may be too large for a number, and times. */
const KINDS: Readonly<Record<string, (value: string | number) => unknown>> = {
  seq: String,
  occurred_at: (value) => (typeof value === 'string' ? new Date(value) : value),
  expires_at: (value) => (typeof value === 'string' ? new Date(value) : value),
}

function rowIn(text: string): Row | undefined {
  if (!text.startsWith(MARK)) return undefined
  try {
    return JSON.parse(text.slice(MARK.length), (name, value: unknown) => {
      const kind = KINDS[name]
      return kind && (typeof value === 'string' || typeof value === 'number') ? kind(value) : value
    }) as Row
  } catch {
    return undefined // the client has changed it
  }
}
