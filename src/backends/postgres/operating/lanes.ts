/** Lanes for an operator: which are blocked or have waited longest, and acting on the head of one. */
import type { Pool } from 'pg'
import { handlerOfLane, laneKey, partitionKeyOfLane } from '../../../deliveries/lane-key.ts'
import type { Lane, LaneName, LanePage } from '../../../deliveries/operations.ts'
import { PostbusError } from '../../../errors.ts'
import type { Queryable } from '../connection.ts'
import { retryDeadLetters } from './dead-letters.ts'
import { laneQueues } from '../queues/queues.ts'
import { functionName, inQueue, LIVE_IN_LANE } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

/** A list looks at this many lanes of each queue, beside all that are blocked. */
const LOOKED_AT = 100_000

/** Blocked lanes first, then those whose head was published longest ago. */
export async function listLanes(database: Queryable, tables: Tables, page: LanePage): Promise<readonly Lane[]> {
  const { limit = 100 } = page
  const lanes: Lane[] = []
  for (const queue of await laneQueues(database, tables)) {
    const { rows } = await database.query<Lane>(listStatement(tables), [
      queue,
      page.handler ?? null,
      page.isBlocked ?? false,
      limit,
    ])
    lanes.push(...rows)
  }
  return lanes.toSorted(byUrgency).slice(0, limit)
}

/** `null`: nothing of this lane waits or runs. */
export async function showLane(database: Queryable, tables: Tables, lane: LaneName): Promise<Lane | null> {
  for (const queue of await laneQueues(database, tables)) {
    const found = await headIn(database, tables, queue, lane)
    if (found) return found
  }
  return null
}

/** Makes the head due now; one that has died gets all its attempts again. Answers its delivery id. */
export async function retryLane(database: Pool, tables: Tables, name: LaneName): Promise<string> {
  const { queue, lane } = await laneAtRest(database, tables, name)
  if (lane.status === 'blocked') {
    await retryDeadLetters(database, tables, { deliveryIds: [lane.deliveryId] })
    return lane.deliveryId
  }
  await database.query(
    `with head as (
      select ctid from ${tables.delivery} where name = $1 and id = $2 and state < 'active' for update
    ), due as (
      update ${tables.delivery} job set start_after = ${tables.clock} from head where job.ctid = head.ctid
    )
    select pg_notify($3, $1)`,
    [queue, lane.deliveryId, tables.channel],
  )
  return lane.deliveryId
}

/** Makes the head a dead letter that blocks nothing, and lets the next one go. Answers the id of the skipped delivery. */
export async function skipLane(database: Queryable, tables: Tables, name: LaneName): Promise<string> {
  const { queue } = await laneAtRest(database, tables, name)
  const { rows } = await database.query<{ id: string | null }>(
    `select ${functionName(tables, 'skip_head')}($1, $2, $3) as id`,
    [queue, laneKey(name), 'skipped by an operator'],
  )
  const id = rows[0]?.id
  if (!id) throw laneRuns(name)
  return id
}

async function laneAtRest(database: Queryable, tables: Tables, name: LaneName) {
  for (const queue of await laneQueues(database, tables)) {
    const lane = await headIn(database, tables, queue, name)
    if (lane?.status === 'running') throw laneRuns(name)
    if (lane) return { queue, lane }
  }
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
  const { rows } = await database.query<Lane>(describe(tables, found), [queue, laneKey(name)])
  return rows[0] ?? null
}

function listStatement(tables: Tables): string {
  const found = `
    select delivery_id as id from ${tables.deadLetter} where dismissed_at is null and blocks_key and queue = $1
    union select id from ${functionName(tables, 'walk')}($1, '', ${LOOKED_AT}) where not $3`
  return `${describe(tables, found)}
    where ($2::text is null or head.handler = $2) and (not $3 or head.status = 'blocked')
    order by head.status = 'blocked' desc, head.since, head."deliveryId" limit $4`
}

/** What there is to know about the lanes whose heads these are. */
function describe(tables: Tables, heads: string): string {
  const siblings = `from ${tables.delivery} sibling where ${inQueue('sibling', '$1')} and sibling.singleton_key`
  const live = LIVE_IN_LANE.replaceAll('job.', 'sibling.')
  return `
    select head.queue, head.handler, head."partitionKey", head.status, head."deliveryId", head."eventId", head."eventType",
      head.since, head."dueAt", head.errors,
      (select count(*)::integer - 1 ${siblings} = head.lane and ${live}) as behind
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
          when job.state = 'retry' and job.start_after > ${tables.jobNow} then 'retrying'
          else 'waiting' end as status
      from (${heads}) found
      join ${tables.delivery} job on job.name = $1 and job.id = found.id and job.state < 'completed'
      left join ${tables.event} event on event.seq = ${tables.seqOfDelivery}(job.id)
      left join ${tables.deadLetter} letter on letter.delivery_id = job.id and letter.dismissed_at is null
    ) head`
}

function byUrgency(one: Lane, other: Lane): number {
  const blocked = Number(other.status === 'blocked') - Number(one.status === 'blocked')
  return blocked || one.since.getTime() - other.since.getTime()
}
