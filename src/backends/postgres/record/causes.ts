/** What an event caused, and what caused it. */
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** A tree may have this many events; deeper and wider ones are cut off. */
export const LARGEST_TREE = 10_000

/** Events by the root that they lead back to. */
export interface Caused {
  readonly root: string
  readonly id: string
  readonly seq: string
  readonly cause: string | null
}

/** These events and all that they have caused, each with its root. What is not indexed yet is read in the log itself. */
export async function causedBy(
  database: Queryable,
  tables: Tables,
  ids: readonly string[],
): Promise<readonly Caused[]> {
  const { event, logPlace, lookup } = tables
  const { rows } = await database.query<Caused>(
    `with recursive tail as materialized (
      select event.seq, event.id, event.causation_id from ${event} event
      where event.seq > (select indexed_to from ${logPlace}) and event.causation_id is not null
    ), member (root, id, seq, cause) as (
      select event.id::text, event.id::text, event.seq, null::text from ${event} event where event.id = any($1::uuid[])
      union
      select member.root, caused.id::text, caused.seq, member.id from member cross join lateral (
        select event.id, event.seq from ${lookup} lookup join ${event} event on event.seq = lookup.seq
        where lookup.causation = hashtextextended(member.id, 0) and event.causation_id = member.id
        union all
        select tail.id, tail.seq from tail where tail.causation_id = member.id
      ) caused
    )
    select root, id, seq::text as seq, cause from member limit ${LARGEST_TREE * 10}`,
    [ids],
  )
  return rows
}

/** The ids of what caused an event, the first cause first. A cause that is no event, or is gone, ends the chain. */
export async function causesOf(database: Queryable, tables: Tables, id: string): Promise<readonly string[]> {
  const { rows } = await database.query<{ id: string }>(
    `with recursive cause (id, causation_id, depth) as (
      select event.id, event.causation_id, 0 from ${tables.event} event where event.id = $1::uuid
      union all
      select event.id, event.causation_id, cause.depth + 1 from cause join ${tables.event} event
        on event.id = case when cause.causation_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then cause.causation_id::uuid end
      where cause.depth < 1000
    )
    select id::text as id from cause where depth > 0 order by depth desc`,
    [id],
  )
  return rows.map((row) => row.id)
}
