/** Lists lanes for an operator: which are blocked, and which have waited longest. */
import { handlerOfLane } from '../../../deliveries/lane-key.ts'
import type { CheckedLaneQuery, Lane, LanePage } from '../../../deliveries/lanes.ts'
import { pageOf, placeOf, type Place, type Placed } from '../../../deliveries/page.ts'
import type { Queryable } from '../connection.ts'
import { functionName } from '../functions/sql.ts'
import { laneQueues } from '../queues/queues.ts'
import type { Tables } from '../schema/tables.ts'
import { describedLanes, laneOf, type LaneRow } from './described-lanes.ts'

/** A walk looks at no more than this many lanes of each queue. */
const MOST_LANES = 100_000

/** The names that the handler's lanes may be stored under; `null`: every handler. */
type StoredLaneQuery = Omit<CheckedLaneQuery, 'handler'> & { readonly handlers: readonly string[] | null }

/** Blocked lanes have rank 0, the others rank 1. */
interface Part {
  readonly rank: 0 | 1
  /** Its parameters are `$1` queue, `$2` handlers, `$3` limit, `$4` the delivery to go on after, and `$5`. */
  readonly statement: (tables: Tables) => string
  readonly fifth: (query: StoredLaneQuery, place: Place | null) => string | null
}

/**
 * Blocked lanes first, by when they were blocked, then the others, by when their head was published. The cost of blocked lanes depends only
 * on how many are shown. The others are looked at only when the blocked lanes do not fill the page.
 */
export async function listLanes(database: Queryable, tables: Tables, query: StoredLaneQuery): Promise<LanePage> {
  const { state = null, limit } = query
  const after = placeOf('lanes', query.cursor)
  const parts = [...(state === null || state === 'blocked' ? [blocked] : []), ...(state === 'blocked' ? [] : [others])]
  const queues = await laneQueues(database, tables)
  const found = new Map<string, Placed<Lane>>()
  for (const part of parts) {
    if (found.size > limit) break
    if (after !== null && after.rank > part.rank) continue
    const place = after?.rank === part.rank ? after : null
    for (const queue of queues) {
      const values = [queue, query.handlers, limit + 1, place?.deliveryId ?? null, part.fifth(query, place)]
      const { rows } = await database.query<LaneRow>(part.statement(tables), values)
      for (const row of rows) found.set(row.deliveryId, { value: laneOf(row), place: placeIn(part, row) })
    }
  }
  const { values: lanes, cursor } = pageOf('lanes', [...found.values()].toSorted(byPlace), limit)
  return { lanes, cursor }
}

/** Delivery ids begin with the number of the event, so they are in the order of publishing. */
function placeIn({ rank }: Part, { micros, deliveryId }: LaneRow): Place {
  return { rank, micros: rank === 0 ? micros : '0', deliveryId }
}

function byPlace({ place: one }: Placed<Lane>, { place: other }: Placed<Lane>): number {
  const time = Number(BigInt(one.micros) - BigInt(other.micros))
  return one.rank - other.rank || time || (one.deliveryId < other.deliveryId ? -1 : 1)
}

const blocked: Part = {
  rank: 0,
  statement: (tables) => {
    const micros = '(extract(epoch from letter.died_at) * 1000000)::bigint'
    const heads = `
      select letter.delivery_id as id from ${tables.deadLetter} letter
      join ${tables.delivery} job on job.name = letter.queue and job.id = letter.delivery_id
      where letter.dismissed_at is null and letter.blocks_key and letter.queue = $1
        and ($2::text[] is null or letter.handler = any($2))
        and ($5::bigint is null or (${micros}, letter.delivery_id) > ($5, $4::uuid))
        and job.state < 'completed' and job.start_after = 'infinity'
      order by letter.died_at, letter.delivery_id limit $3`
    return `${describedLanes(tables, heads)}
      where head.state = 'blocked' order by head.since, head."deliveryId"`
  },
  fifth: (_query, place) => place?.micros ?? null,
}

/** Walks from lane to lane, because only a look at all lanes shows which has waited longest. */
const others: Part = {
  rank: 1,
  statement: (tables) => {
    const heads = `
      select id from ${functionName(tables, 'walk')}($1, '', ${MOST_LANES}) walked
      where ($2::text[] is null or ${handlerOfLane('walked.lane')} = any($2)) and ($4::uuid is null or walked.id > $4)
      order by id`
    return `${describedLanes(tables, heads)}
      where ($5::text is null or head.state = $5) and (head.state <> 'blocked' or not exists (
        select from ${tables.deadLetter} letter
        where letter.delivery_id = head."deliveryId" and letter.dismissed_at is null and letter.blocks_key
      ))
      order by head."deliveryId" limit $3`
  },
  fifth: ({ state }) => state ?? null,
}
