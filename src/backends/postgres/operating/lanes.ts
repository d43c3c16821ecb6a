/** Lanes for an operator: which are blocked or have waited longest, and acting on the head of one. */
import type { Act } from '../../../deliveries/acts.ts'
import type { CheckedLaneQuery, Lane, LaneName, LanePage } from '../../../deliveries/lanes.ts'
import { handlerOfLane, laneKey, partitionKeyOfLane } from '../../../deliveries/lane-key.ts'
import { pageOf, placeOf, type Place, type Placed } from '../../../deliveries/page.ts'
import { PostbusError } from '../../../errors.ts'
import type { Database, Queryable } from '../connection.ts'
import { retryDeadLetters } from './dead-letter-acts.ts'
import type { NoteAct } from './act-log.ts'
import { IS_AWAITING } from '../functions/awaiting.ts'
import { functionName, inQueue, LIVE_IN_LANE } from '../functions/sql.ts'
import { laneQueues } from '../queues/queues.ts'
import type { Tables } from '../schema/tables.ts'
import type { LaneAskedFor } from './names-asked-for.ts'

/** A list looks at this many lanes of each queue, beside all that are blocked. */
const LOOKED_AT = 100_000

/** What lanes are listed by, beside the head's id. */
const RANK = `(case when head.state = 'blocked' then 0 else 1 end)`
const MICROS = '(extract(epoch from head.since) * 1000000)::bigint'

/** The names that the handler's lanes may be stored under; `null`: every handler. */
type StoredLaneQuery = Omit<CheckedLaneQuery, 'handler'> & { readonly handlers: readonly string[] | null }

/** Blocked lanes first, then those whose head was published longest ago. */
export async function listLanes(database: Queryable, tables: Tables, query: StoredLaneQuery): Promise<LanePage> {
  const { handlers, state = null, limit } = query
  const after = placeOf('lanes', query.cursor)
  const place = [after?.rank ?? null, after?.micros ?? null, after?.deliveryId ?? null]
  const found: Placed<Lane>[] = []
  for (const queue of await laneQueues(database, tables)) {
    const values = [queue, handlers, state, limit + 1, ...place]
    const { rows } = await database.query<LaneRow>(listStatement(tables), values)
    found.push(...rows.map(placed))
  }
  const { values: lanes, cursor } = pageOf('lanes', found.toSorted(byPlace), limit)
  return { lanes, cursor }
}

type LaneRow = Lane & Omit<Place, 'deliveryId'>

function placed({ rank, micros, ...lane }: LaneRow): Placed<Lane> {
  return { value: lane, place: { rank, micros, deliveryId: lane.deliveryId } }
}

/** `null`: nothing of this lane waits or runs. */
export async function showLane(database: Queryable, tables: Tables, name: LaneAskedFor): Promise<Lane | null> {
  const queues = await laneQueues(database, tables)
  for (const lane of name.stored) {
    for (const queue of queues) {
      const found = await headIn(database, tables, queue, lane)
      if (found) return found
    }
  }
  return null
}

/** Makes the head due now; one that has died gets all its attempts again. Returns 0 when a worker took it meanwhile. */
export async function retryLane(
  database: Database,
  tables: Tables,
  name: LaneAskedFor,
  note: NoteAct,
): Promise<number> {
  const lane = await laneAtRest(database, tables, name)
  if (lane.state === 'blocked') {
    const how = { limit: 1, onProgress: () => undefined, note }
    return retryDeadLetters(database, tables, { deliveryIds: [lane.deliveryId] }, how)
  }
  return database.transaction(async (within) => {
    const count = await makeDue(within, tables, lane)
    await note(within, count)
    return count
  })
}

async function makeDue(within: Queryable, tables: Tables, lane: Lane): Promise<number> {
  const { rows } = await within.query<{ count: number }>(
    `with head as (
      select ctid from ${tables.delivery} where name = $1 and id = $2 and state < 'active' for update
    ), due as (
      update ${tables.delivery} job set start_after = ${tables.clock}, data = job.data - 'awaiting' from head where job.ctid = head.ctid
      returning job.id
    )
    select (select count(*)::integer from due) as count, pg_notify($3, $1)`,
    [lane.queue, lane.deliveryId, tables.channel],
  )
  return rows[0]?.count ?? 0
}

/** Makes the head a dead letter that blocks nothing, and lets the next one go. */
export async function skipHead(database: Queryable, tables: Tables, name: LaneAskedFor, act: Act): Promise<number> {
  const lane = await laneAtRest(database, tables, name)
  const { rows } = await database.query<{ id: string | null }>(
    `select ${functionName(tables, 'skip_head')}($1, $2, $3) as id`,
    [lane.queue, laneKey(lane), `skipped by ${act.by ?? 'an operator'}${act.reason === null ? '' : `: ${act.reason}`}`],
  )
  if (!rows[0]?.id) throw laneRuns(name)
  return 1
}

async function laneAtRest(database: Queryable, tables: Tables, name: LaneAskedFor): Promise<Lane> {
  const lane = await showLane(database, tables, name)
  if (lane?.state === 'running') throw laneRuns(name)
  if (lane) return lane
  throw new PostbusError(
    'POSTBUS_NO_SUCH_LANE',
    `No delivery of handler "${name.handler}" waits for key "${name.partitionKey}". See: npx postbus lanes list`,
  )
}

function laneRuns({ handler, partitionKey }: LaneName): PostbusError {
  const what = `Handler "${handler}" is running a delivery of key "${partitionKey}" right now`
  return new PostbusError('POSTBUS_LANE_RUNS', `${what}. Wait until it has ended, or stop the worker.`)
}

async function headIn(database: Queryable, tables: Tables, queue: string, name: LaneName): Promise<Lane | null> {
  const found = `select id from ${tables.delivery} job
    where ${inQueue('job', '$1')} and singleton_key = $2 and ${LIVE_IN_LANE} order by id limit 1`
  const { rows } = await database.query<LaneRow>(describe(tables, found), [queue, laneKey(name)])
  return rows[0] ? placed(rows[0]).value : null
}

function listStatement(tables: Tables): string {
  const found = `
    select delivery_id as id from ${tables.deadLetter} where dismissed_at is null and blocks_key and queue = $1
    union
    select id from ${functionName(tables, 'walk')}($1, '', ${LOOKED_AT}) where $3::text is distinct from 'blocked'`
  return `${describe(tables, found)}
    where ($2::text[] is null or head.handler = any($2)) and ($3::text is null or head.state = $3)
      and ($5::integer is null or (${RANK}, ${MICROS}, head."deliveryId") > ($5, $6::bigint, $7::uuid))
    order by ${RANK}, ${MICROS}, head."deliveryId" limit $4`
}

/** What there is to know about the lanes whose heads these are. */
function describe(tables: Tables, heads: string): string {
  const siblings = `from ${tables.delivery} sibling where ${inQueue('sibling', '$1')} and sibling.singleton_key`
  const live = LIVE_IN_LANE.replaceAll('job.', 'sibling.')
  return `
    select head.queue, head.handler, head."partitionKey", head.state, head."deliveryId", head."eventId", head."eventType",
      head.since, head."dueAt", head.errors, ${RANK} as rank, ${MICROS}::text as micros,
      (select count(*)::integer - 1 ${siblings} = head.lane and ${live}) as behind,
      exists (
        select from ${tables.pause} one where one.until > clock_timestamp() and (one.kind, one.name) in (
          ('lane', head.lane), ('handler', head.handler), ('queue', regexp_replace(head.queue, '_partitioned$', ''))
        )
      ) as "isPaused"
    from (
      select job.name as queue, job.singleton_key as lane, job.id as "deliveryId",
        ${handlerOfLane('job.singleton_key')} as handler,
        ${partitionKeyOfLane('job.singleton_key')} as "partitionKey",
        event.id as "eventId", coalesce(event.type, job.data ->> 'type') as "eventType",
        coalesce(letter.died_at, event.published_at, job.created_on) as since,
        nullif(job.start_after, 'infinity') as "dueAt",
        case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end as errors,
        case
          when exists (select ${siblings} = job.singleton_key and ${live} and sibling.state = 'active') then 'running'
          when job.start_after = 'infinity' then 'blocked'
          when ${IS_AWAITING} then 'awaiting'
          when job.state = 'retry' and job.start_after > ${tables.jobNow} and job.started_on is not null then 'retrying'
          else 'waiting' end as state
      from (${heads}) found
      join ${tables.delivery} job on job.name = $1 and job.id = found.id and job.state < 'completed'
      left join ${tables.event} event on event.seq = ${tables.seqOfDelivery}(job.id)
      left join ${tables.deadLetter} letter on letter.delivery_id = job.id and letter.dismissed_at is null
    ) head`
}

/** As the database sorts: what it leaves out of a page of one queue must not be shown of another. */
function byPlace({ place: one }: Placed<Lane>, { place: other }: Placed<Lane>): number {
  const time = Number(BigInt(one.micros) - BigInt(other.micros))
  return one.rank - other.rank || time || (one.deliveryId < other.deliveryId ? -1 : 1)
}
