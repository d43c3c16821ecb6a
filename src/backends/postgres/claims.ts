/** Keeping claims and taking them over: heartbeats, the recovery of silent workers' deliveries, and the sweep of lanes. */
import type { AttemptError, ClaimedDelivery } from '../../backend.ts'
import { isPartitionedQueue } from '../../names.ts'
import type { Queryable } from './connection.ts'
import { claimOf } from './functions/sql.ts'
import { HEARTBEAT_SECONDS, type QueueState } from './queues.ts'
import type { Tables } from './tables.ts'

/** A sweep visits this many lanes, and the next one goes on behind them. Each is one probe, whatever waits in it. */
const SWEPT_LANES = 300
/** Of all workers, one sweeps this often. */
const SWEEP_EVERY_SECONDS = 1

/**
 * Says that these claims are being worked on. Answers the ids that are still ours. A row that is locked at this moment is
 * passed over: waiting for it could be waiting for a settle that waits for us, and the next heartbeat is near.
 */
export async function keepClaims(
  database: Queryable,
  tables: Tables,
  queue: QueueState,
  claims: readonly ClaimedDelivery[],
): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ id: string }>(
    `with ours as materialized (
      select job.id from unnest($2::uuid[], $3::float8[]) as mine (id, claim)
      join ${queue.table} job on job.name = $1 and job.id = mine.id and ${claimOf('job')} = mine.claim
      where job.state = 'active'
    ), unlocked as (
      select id from ${queue.table} where name = $1 and id in (select id from ours) and state = 'active'
      for no key update skip locked
    ), kept as (
      update ${queue.table} job set heartbeat_on = ${tables.jobNow}
      from unlocked where job.name = $1 and job.id = unlocked.id
    )
    select id from ours`,
    [queue.name, claims.map((one) => one.id), claims.map((one) => one.claim)],
  )
  return new Set(rows.map((row) => row.id))
}

/** Frees the deliveries whose worker has not been heard of for {@link HEARTBEAT_SECONDS}. Answers how many. */
export async function recoverClaims(database: Queryable, queue: QueueState): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select ${queue.functions.recover}($1, $2::jsonb) as count`,
    [HEARTBEAT_SECONDS, JSON.stringify(workerDied())],
  )
  return rows[0]?.count ?? 0
}

/** Promotes heads of lanes that nobody else would. Answers how many. */
export async function sweepLanes(database: Queryable, queue: QueueState): Promise<number> {
  if (!isPartitionedQueue(queue.name)) return 0
  const { rows } = await database.query<{ count: number }>(`select ${queue.functions.sweep}($1, $2) as count`, [
    SWEPT_LANES,
    SWEEP_EVERY_SECONDS,
  ])
  return rows[0]?.count ?? 0
}

function workerDied(): AttemptError {
  return {
    attempt: 0, // filled in by the function
    at: new Date().toISOString(),
    code: 'POSTBUS_WORKER_DIED',
    message: `The worker was not heard of for ${HEARTBEAT_SECONDS} s: it died, was stopped, or lost its connection.`,
    stack: null,
  }
}
