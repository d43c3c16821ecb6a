/** Finds what an event caused, and what caused it. */
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

const UUID = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'

/** An event, with its cause and with the root that it leads back to. */
export interface Caused {
  readonly root: string
  readonly id: string
  readonly seq: string
  readonly cause: string | null
}

/**
 * These events and all events that they have caused, each with its root. Events that are not indexed yet are read in the log itself. `most`
 * limits a large tree; without it the tree is complete. An event can be named as the cause of its own cause: it is returned once per cause.
 */
export async function causedBy(
  database: Queryable,
  tables: Tables,
  { ids, most = null }: { readonly ids: readonly string[]; readonly most?: number | null },
): Promise<readonly Caused[]> {
  const { event, logPlace, lookup } = tables
  const { rows } = await database.query<Caused>(
    `with recursive tail as materialized (
      select event.seq, event.id, event.causation_id from ${event} event
      where event.seq > coalesce((select indexed_to from ${logPlace}), 0) and event.causation_id is not null
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
    select root, id, seq::text as seq, cause from member limit $2`,
    [ids, most],
  )
  return rows
}

/** The ids of the events that led to an event, the first cause first. A cause that is not an event, or is gone, ends the chain. */
export async function causesOf(database: Queryable, tables: Tables, id: string): Promise<readonly string[]> {
  const { rows } = await database.query<{ id: string }>(
    `with recursive cause (id, causation_id, path) as (
      select event.id, event.causation_id, array[event.id] from ${tables.event} event where event.id = $1::uuid
      union all
      select event.id, event.causation_id, cause.path || event.id from cause join ${tables.event} event
        on event.id = case when cause.causation_id ~ '${UUID}' then cause.causation_id::uuid end
      where event.id <> all (cause.path)
    )
    select id::text as id from cause where cardinality(path) > 1 order by cardinality(path) desc`,
    [id],
  )
  return rows.map((row) => row.id)
}
