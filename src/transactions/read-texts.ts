/**
 * Reads rows through the application's own client, for any configuration of it. Clients can be told to rename columns, to
 * parse values, and to change the shape of rows and results. So our statements return one column of text: its name does not
 * matter, and a changed text is recognised because it no longer has the expected form.
 */
import type { SqlExecutor } from './clients/executor.ts'
import { rowsChanged } from './refusal.ts'

/** Result, row and value are three levels; a setting may have added another one. */
const DEEPEST = 4

/**
 * Runs a statement that returns one column of text, and parses the text of each row.
 *
 * @throws {PostbusError} `POSTBUS_ROWS_CHANGED` when a row has no text, or `parse` does not accept it.
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
