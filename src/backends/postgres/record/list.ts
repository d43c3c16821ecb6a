/**
 * Lists events, page by page. Candidates are read in the order of the log, some at a time, and each is checked against all
 * conditions. A query that has to look at many candidates stops after a while, and returns a cursor to go on from.
 */
import { performance } from '../../../clock.ts'
import type { CheckedEventQuery } from '../../../record/event-query.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import { byLookup, inTheLog, type Stretch } from './candidates.ts'
import { conditionsOf, Values, type StoredFilter } from './conditions.ts'
import { stretchBetween } from './log-places.ts'
import { RECORDED_COLUMNS, type RecordedRow } from './recorded-row.ts'

const LONGEST_MS = 200
const FIRST_LOOK = 1_000
const LARGEST_LOOK = 16_000
const LOOK_MS = 50

export interface FoundEvents {
  readonly rows: readonly RecordedRow[]
  readonly cursor: string | null
}

/** The query. `types`: the event types that the query's handler listens to, which narrow down the search. */
export type ListQuery = Omit<CheckedEventQuery, 'type'> & StoredFilter & { readonly types?: readonly string[] }

export async function listEvents(database: Queryable, tables: Tables, query: ListQuery): Promise<FoundEvents> {
  const began = performance.now()
  const { first, limit } = query
  const rows: RecordedRow[] = []
  const { indexedTo, stretches } = await stretchesOf(database, tables, query)
  for (const stretch of stretches) {
    let left: Stretch = stretch
    for (let most = FIRST_LOOK; ;) {
      const lookBegan = performance.now()
      const isIndexed = BigInt(left.before) <= BigInt(indexedTo) + 1n
      const look = await lookAt(database, tables, {
        query,
        stretch: left,
        most,
        isIndexed,
        wanted: limit + 1 - rows.length,
      })
      rows.push(...look.rows)
      if (rows.length > limit) return { rows: rows.slice(0, limit), cursor: cursorAt(first, rows[limit - 1]?.seq) }
      if (look.last === null || look.looked < most) break
      left = first === 'newest' ? { ...left, before: look.last } : { ...left, after: look.last }
      if (performance.now() - began > LONGEST_MS) return { rows, cursor: cursorAt(first, look.last) }
      most = nextLook(most, performance.now() - lookBegan)
    }
  }
  return { rows, cursor: null }
}

/** How many candidates take about `LOOK_MS`: the page has to stop soon after its time is over. */
function nextLook(most: number, tookMs: number): number {
  const fitting = Math.round((most * LOOK_MS) / Math.max(1, tookMs))
  return Math.min(Math.max(fitting, FIRST_LOOK), 4 * most, LARGEST_LOOK)
}

/** Two stretches, in the order of the query: the newest part of the log, which is not indexed yet, and the indexed part. */
async function stretchesOf(database: Queryable, tables: Tables, query: ListQuery) {
  const { after, before, indexedTo } = await stretchBetween(database, tables, query)
  const cursor = query.cursor?.slice(1) ?? null
  const from = query.first === 'oldest' && cursor !== null && BigInt(cursor) > BigInt(after) ? cursor : after
  const to = query.first === 'newest' && cursor !== null && BigInt(cursor) < BigInt(before) ? cursor : before
  const end = String(BigInt(indexedTo) + 1n)
  const indexed: Stretch = { after: from, before: BigInt(to) < BigInt(end) ? to : end }
  const rest: Stretch = { after: BigInt(from) > BigInt(indexedTo) ? from : indexedTo, before: to }
  const both = query.first === 'newest' ? [rest, indexed] : [indexed, rest]
  return { indexedTo, stretches: both.filter(({ after: a, before: b }) => BigInt(a) + 1n < BigInt(b)) }
}

interface Look {
  readonly query: ListQuery
  readonly stretch: Stretch
  readonly most: number
  readonly isIndexed: boolean
  readonly wanted: number
}

async function lookAt(database: Queryable, tables: Tables, { query, stretch, most, isIndexed, wanted }: Look) {
  const values = new Values()
  const order = { by: query.first === 'newest' ? 'seq desc' : 'seq' } as const
  const candidates = isIndexed
    ? byLookup(tables, query, values, { stretch, order, most })
    : inTheLog(tables, stretch, order, most)
  const { rows } = await database.query<
    Partial<RecordedRow> & { readonly last: string | null; readonly looked: number }
  >(
    `with candidate as materialized (${candidates}), matching as (
     
      select ${RECORDED_COLUMNS} from candidate cross join lateral (
        select * from ${tables.event} event where event.seq = candidate.seq offset 0 -- a probe for each
      ) event
      where ${conditionsOf(query, tables, values)} order by event.${order.by} limit ${wanted}
    )
    select looked.*, matching.* from (
      select ${query.first === 'newest' ? 'min' : 'max'}(seq)::text as last, count(*)::integer as looked from candidate
    ) looked left join matching on true order by matching.seq::bigint ${query.first === 'newest' ? 'desc' : ''}`,
    values.list,
  )
  const [head] = rows
  return { last: head?.last ?? null, looked: head?.looked ?? 0, rows: rows.filter(hasEvent) }
}

function hasEvent<Row extends object>(row: Row): row is Row & RecordedRow {
  return 'seq' in row && row.seq !== null
}

function cursorAt(first: CheckedEventQuery['first'], seq: string | undefined): string | null {
  return seq === undefined ? null : `${first.charAt(0)}${seq}`
}
