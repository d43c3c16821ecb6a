/** Counts events: indexed ones in the look-up table alone, if the filter names only types, and all others by reading them. */
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import { byLookup, inTheLog, type Stretch } from './candidates.ts'
import { conditionsOf, isLike, Values, type StoredFilter } from './conditions.ts'
import { stretchBetween } from './log-places.ts'

type CountFilter = StoredFilter & { readonly types?: readonly string[] }

const ALL = 1_000_000_000_000

export async function countEvents(database: Queryable, tables: Tables, filter: CountFilter): Promise<number> {
  const counts = await countByType(database, tables, filter)
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** Counts for each type name, the most frequent type first. */
export async function countByType(
  database: Queryable,
  tables: Tables,
  filter: CountFilter,
): Promise<Readonly<Record<string, number>>> {
  const { after, before, indexedTo } = await stretchBetween(database, tables, filter)
  const end = String(BigInt(indexedTo) + 1n)
  const indexed: Stretch = { after, before: BigInt(before) < BigInt(end) ? before : end }
  const rest: Stretch = { after: BigInt(after) > BigInt(indexedTo) ? after : indexedTo, before }
  const values = new Values()
  const order = { by: 'seq' } as const
  const parts = isAboutTypesAlone(filter)
    ? [ofTypes(tables, filter, values, indexed), matching(tables, filter, values, inTheLog(tables, rest, order, ALL))]
    : [
        matching(tables, filter, values, byLookup(tables, filter, values, { stretch: indexed, order, most: ALL })),
        matching(tables, filter, values, inTheLog(tables, rest, order, ALL)),
      ]
  const { rows } = await database.query<{ readonly type: string; readonly count: string }>(
    `select type, sum(count)::bigint as count from (${parts.join(' union all ')}) counted
    group by type having sum(count) > 0 order by 2 desc, 1`,
    values.list,
  )
  return Object.fromEntries(rows.map(({ type, count }) => [type, Number(count)]))
}

function isAboutTypesAlone(filter: CountFilter): boolean {
  return Object.keys(filter).every((field) => field === 'like')
}

/** The look-up table has one row for each event, so reading its index of types is enough. */
function ofTypes({ eventType, lookup }: Tables, { like }: CountFilter, values: Values, stretch: Stretch): string {
  const isAsked = like === undefined ? 'true' : isLike('one.name', like, values)
  return `select one.name as type, counted.count from ${eventType} one cross join lateral (
      select count(*) as count from ${lookup} lookup
      where lookup.type = one.number and lookup.seq > ${stretch.after} and lookup.seq < ${stretch.before}
    ) counted where ${isAsked}`
}

function matching(tables: Tables, filter: CountFilter, values: Values, candidates: string): string {
  return `(select event.type, count(*) as count from (${candidates}) candidate join ${tables.event} event on event.seq = candidate.seq
    where ${conditionsOf(filter, tables, values)} group by event.type)`
}
