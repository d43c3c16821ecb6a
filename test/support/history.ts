/** The rows of the history, read without the code under test. */
import type { Pool } from 'pg'

interface HistoryRow {
  readonly handler: string
  readonly ended_at: Date
  readonly took_ms: number
  readonly turn: number
  readonly attempts: number | null
  readonly outcome: string | null
  readonly detail: { readonly errors: readonly object[] } | null
}

export async function historyIn(database: Pool): Promise<readonly HistoryRow[]> {
  const { rows } = await database.query<HistoryRow>(
    `select handler.name as handler, ended_at, took_ms, turn, attempts, outcome, detail
    from postbus.history join postbus.handler on handler.number = history.handler order by seq, 1`,
  )
  return rows
}
