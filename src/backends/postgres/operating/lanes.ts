/** Shows one lane to an operator, and acts on the delivery at its head. */
import type { Act } from '../../../deliveries/acts.ts'
import type { Lane, LaneName } from '../../../deliveries/lanes.ts'
import { laneKey } from '../../../deliveries/lane-key.ts'
import { PostbusError } from '../../../errors.ts'
import type { Database, Queryable } from '../connection.ts'
import { retryDeadLetters } from './dead-letter-acts.ts'
import type { NoteAct } from './act-log.ts'
import { inQueue } from '../functions/lane-rows.ts'
import { functionName, LIVE_IN_LANE } from '../functions/sql.ts'
import { laneQueues } from '../queues/queues.ts'
import type { Tables } from '../schema/tables.ts'
import { describedLanes, laneOf, type LaneRow } from './described-lanes.ts'
import type { LaneAskedFor } from './names-asked-for.ts'

/** `null`: no delivery of this lane waits or runs. */
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

/** Makes the head due now. A dead head gets all its attempts again. Returns 0 when a worker took the head meanwhile. */
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

/** Makes the head a dead letter that blocks nothing, so that the next delivery of the lane can run. */
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
  const { rows } = await database.query<LaneRow>(describedLanes(tables, found), [queue, laneKey(name)])
  return rows[0] ? laneOf(rows[0]) : null
}
