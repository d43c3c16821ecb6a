/**
 * Reads rows through the application's own client, however that is configured. Clients can be told to rename columns, to parse
 * values, and to put rows and results into other shapes. So our statements return one column of text: there is nothing to
 * rename, and a text that was changed all the same is found out by what it should look like.
 */
import type { SqlExecutor } from './clients/executor.ts'
import { rowsChanged } from './refusal.ts'

/** A result, a row, a value: a setting may have put something more around them. */
const DEEPEST = 4

/**
 * Runs a statement that returns one column of text, and reads each row's.
 *
 * @throws {PostbusError} `POSTBUS_ROWS_CHANGED` when it is not there, or `parse` finds something else than what was sent.
 */
export async function readTexts<Row>(
  executor: SqlExecutor,
  statement: { readonly text: string; readonly values: readonly unknown[] },
  parse: (text: string) => Row | undefined,
): Promise<readonly Row[]> {
  const result: unknown = await executor.executeSql(statement.text, statement.values)
  const rows = rowsIn(result)
  if (!rows) throw rowsChanged(executor.settings)
  return rows.map((row) => {
    const text = textIn(row)
    const parsed = text === undefined ? undefined : parse(text)
    if (parsed === undefined) throw rowsChanged(executor.settings)
    return parsed
  })
}

function rowsIn(result: unknown): readonly unknown[] | undefined {
  if (typeof result !== 'object' || result === null || !('rows' in result)) return undefined
  return Array.isArray(result.rows) ? result.rows : undefined
}

function textIn(row: unknown, depth = 0): string | undefined {
  if (typeof row === 'string') return row
  if (typeof row !== 'object' || row === null || depth > DEEPEST) return undefined
  const texts = Object.values(row).map((value) => textIn(value, depth + 1))
  return texts.find((text) => text !== undefined)
}
