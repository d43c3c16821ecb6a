/** Finds events by their ids. */
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import { RECORDED_COLUMNS, type RecordedRow } from './recorded-row.ts'

export async function eventWithId(database: Queryable, tables: Tables, id: string): Promise<RecordedRow | null> {
  const { rows } = await database.query<RecordedRow>({
    name: 'event',
    text: `select ${RECORDED_COLUMNS} from ${tables.event} event where event.id = $1`,
    values: [id],
  })
  return rows[0] ?? null
}

export async function eventsWithIds(
  database: Queryable,
  tables: Tables,
  ids: readonly string[],
): Promise<ReadonlyMap<string, RecordedRow>> {
  const { rows } = await database.query<RecordedRow>(
    `select ${RECORDED_COLUMNS} from ${tables.event} event where event.id = any($1::uuid[])`,
    [ids],
  )
  return new Map(rows.map((row) => [row.id, row]))
}
