/** The record of acts: an act writes its row in its first transaction, and increases the count with each batch. */
import {
  actBefore,
  actCursor,
  type ActPage,
  type CheckedActQuery,
  type RecordedAct,
} from '../../../deliveries/act-log.ts'
import type { Act } from '../../../deliveries/acts.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** Records that an act has done `count` more, in the transaction that does them. */
export type NoteAct = (within: Queryable, count: number) => Promise<void>

/** The first note writes the row, and later notes increase its count. */
export function noteOf(tables: Tables, { is, by, reason }: Act, filter: object): NoteAct {
  let id: string | null = null
  return async (within, count) => {
    if (id !== null) {
      if (count > 0) await within.query(countUp(tables), [id, count])
      return
    }
    const { rows } = await within.query<{ id: string }>(
      `insert into ${tables.act} (act, filter, by, reason, count) values ($1, $2::jsonb, $3, $4, $5) returning id::text`,
      [is, JSON.stringify(named(filter)), by, reason, count],
    )
    id = rows[0]?.id ?? null
  }
}

function countUp({ act }: Tables): string {
  return `update ${act} set count = count + $2, ended_at = clock_timestamp() where id = $1::bigint`
}

/** A filter that names nothing was `{ all: true }`. */
function named(filter: object): object {
  return Object.keys(filter).length > 0 ? filter : { all: true }
}

export async function listActs(database: Queryable, tables: Tables, query: CheckedActQuery): Promise<ActPage> {
  const { act = null, by = null, since = null, until = null, limit } = query
  const { rows } = await database.query<Omit<RecordedAct, 'count'> & { count: string }>(
    `select id::text, act, filter, by, reason, count::text, began_at as "beganAt", ended_at as "endedAt" from ${tables.act} one
    where ($1::text is null or act = $1) and ($2::text is null or by = $2)
      and ($3::timestamptz is null or began_at >= $3) and ($4::timestamptz is null or began_at < $4)
      and ($5::bigint is null or id < $5)
    order by one.id desc limit $6`,
    [act, by, since, until, actBefore(query.cursor), limit + 1],
  )
  const acts = rows.slice(0, limit).map((row) => ({ ...row, count: Number(row.count) }))
  const last = acts.at(-1)
  return { acts, cursor: rows.length > limit && last ? actCursor(last.id) : null }
}
