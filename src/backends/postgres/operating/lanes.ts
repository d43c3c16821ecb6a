/** Lanes for an operator: which are blocked or have waited longest, and acting on the head of one. */
import { isPartitionedQueue } from '../../../names.ts'
import type { Lane, LaneName, LanePage } from '../../../deliveries/operations.ts'
import { PostbusError } from '../../../errors.ts'
import type { Database, Queryable } from '../connection.ts'
import { retryDeadLetters } from './dead-letters.ts'
import { readQueues, type QueueState } from '../queues/queues.ts'
import type { Tables } from '../schema/tables.ts'

/** A list looks at this many lanes of each queue, beside all that are blocked. */
const LOOKED_AT = 100_000

/** Blocked lanes first, then those whose head was published longest ago. */
export async function listLanes(database: Queryable, tables: Tables, page: LanePage): Promise<readonly Lane[]> {
  const { limit = 100 } = page
  const lanes: Lane[] = []
  for (const queue of await laneQueues(database, tables)) {
    const { rows } = await database.query<Lane>(listStatement(tables, queue), [
      queue.name,
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
export async function retryLane(database: Database, tables: Tables, name: LaneName): Promise<string> {
  const { queue, lane } = await laneAtRest(database, tables, name)
  if (lane.status === 'blocked') {
    await retryDeadLetters(database, tables, { deliveryIds: [lane.deliveryId] })
    return lane.deliveryId
  }
  await database.query(
    `with due as (
      update ${queue.table} set start_after = ${tables.jobNow} where name = $1 and id = $2 and state < 'active'
    )
    select pg_notify($3, $1)`,
    [queue.name, lane.deliveryId, tables.channel],
  )
  return lane.deliveryId
}

/** Makes the head a dead letter that blocks nothing, and lets the next one go. Answers the id of the skipped delivery. */
export async function skipLane(database: Queryable, tables: Tables, name: LaneName): Promise<string> {
  const { queue } = await laneAtRest(database, tables, name)
  const { rows } = await database.query<{ id: string | null }>(`select ${queue.functions.skip}($1, $2) as id`, [
    keyOf(name),
    'skipped by an operator',
  ])
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

async function laneQueues(database: Queryable, tables: Tables): Promise<readonly QueueState[]> {
  const { rows } = await database.query<{ queue: string }>(`select queue from ${tables.laneSweep} order by queue`)
  const queues = await readQueues(
    database,
    tables,
    rows.map(({ queue }) => queue),
  )
  return queues.filter(({ name }) => isPartitionedQueue(name))
}

async function headIn(database: Queryable, tables: Tables, queue: QueueState, name: LaneName): Promise<Lane | null> {
  const found = `select id from ${queue.table} where singleton_key = $2 and state < 'completed' order by id limit 1`
  const { rows } = await database.query<Lane>(describe(tables, queue, found), [queue.name, keyOf(name)])
  return rows[0] ?? null
}

function keyOf({ handler, partitionKey }: LaneName): string {
  return `${handler}:${partitionKey}`
}

function listStatement(tables: Tables, queue: QueueState): string {
  const found = `
    select delivery_id as id from ${tables.deadLetter} where discarded_at is null and blocks_key and queue = $1
    union select id from "${tables.names.postbus}"."walk_${queue.suffix}"('', ${LOOKED_AT}) where not $3`
  return `${describe(tables, queue, found)}
    where ($2::text is null or head.handler = $2) and (not $3 or head.status = 'blocked')
    order by head.status = 'blocked' desc, head.since, head."deliveryId" limit $4`
}

/** What there is to know about the lanes whose heads these are. */
function describe(tables: Tables, { table }: QueueState, heads: string): string {
  const lane = `sibling.singleton_key = job.singleton_key and sibling.state`
  return `
    select head.queue, head.handler, head."partitionKey", head.status, head."deliveryId", head."eventId", head."eventType",
      head.since, head."dueAt", head.errors,
      (select count(*)::integer - 1 from ${table} sibling
        where sibling.singleton_key = head.lane and sibling.state < 'completed') as behind
    from (
      select job.name as queue, job.singleton_key as lane, job.id as "deliveryId",
        split_part(job.singleton_key, ':', 1) as handler,
        substr(job.singleton_key, strpos(job.singleton_key, ':') + 1) as "partitionKey",
        event.id as "eventId", coalesce(event.type, job.data ->> 'type') as "eventType",
        coalesce(letter.died_at, event.published_at, job.created_on) as since,
        nullif(job.start_after, 'infinity') as "dueAt",
        case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end as errors,
        case
          when exists (select from ${table} sibling where ${lane} = 'active') then 'running'
          when job.start_after = 'infinity' then 'blocked'
          when job.state = 'retry' and job.start_after > ${tables.jobNow} then 'retrying'
          else 'waiting' end as status
      from (${heads}) found
      join ${table} job on job.name = $1 and job.id = found.id and job.state < 'completed'
      left join ${tables.event} event on event.seq = ${tables.seqOfDelivery}(job.id)
      left join ${tables.deadLetter} letter on letter.delivery_id = job.id and letter.discarded_at is null
    ) head`
}

function byUrgency(one: Lane, other: Lane): number {
  const blocked = Number(other.status === 'blocked') - Number(one.status === 'blocked')
  return blocked || one.since.getTime() - other.since.getTime()
}
