/** Finds places in the log: how far it is indexed, and which stretch of it was published between two times. */
import type { CheckedEventFilter } from '../../../record/event-query.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

export interface LogStretch {
  /** All events of the wanted time are above this seq. Events above `indexedTo` are not indexed, and each has to be looked at. */
  readonly after: string
  readonly before: string
  readonly indexedTo: string
}

const END = '9223372036854775807'

/** The clock may step, and transactions may be long, so times are out of order: a chunk has the earliest and the latest time of its events. */
export async function stretchBetween(
  database: Queryable,
  tables: Tables,
  { since, until }: Pick<CheckedEventFilter, 'since' | 'until'>,
): Promise<LogStretch> {
  const { rows } = await database.query<LogStretch>(
    `with place as (select indexed_to from ${tables.logPlace})
    select place.indexed_to::text as "indexedTo",
      case when $1::timestamptz is null then '0' else coalesce(
        (select (min(chunk.first_seq) - 1)::text from ${tables.logChunk} chunk where chunk.latest >= $1), place.indexed_to::text)
      end as after,
      case when $2::timestamptz is not null and (select chunk.latest >= $2 from ${tables.logChunk} chunk order by chunk.last_seq desc limit 1)
        then coalesce((select (max(chunk.last_seq) + 1)::text from ${tables.logChunk} chunk where chunk.earliest < $2), '1')
        else '${END}' end as before
    from place`,
    [since?.toISOString() ?? null, until?.toISOString() ?? null],
  )
  const found = rows[0] ?? { after: '0', before: END, indexedTo: '0' }
  if (!until || found.before === END || !(await isAnyLater(database, tables, found.indexedTo, until))) return found
  return { ...found, before: END }
}

/** Whether an event that is not indexed was published before that time. The place is passed as a value, so the planner knows that few rows follow. */
async function isAnyLater(database: Queryable, { event }: Tables, indexedTo: string, until: Date): Promise<boolean> {
  const { rows } = await database.query<{ found: boolean }>(
    `select exists (select from ${event} event where event.seq > $1::bigint and event.published_at < $2::timestamptz) as found`,
    [indexedTo, until.toISOString()],
  )
  return rows[0]?.found ?? false
}
