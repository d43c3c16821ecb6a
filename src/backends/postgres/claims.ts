/** Keeping claims and taking them over: heartbeats, the recovery of silent workers' deliveries, and the sweep of lanes. */
import type { AttemptError, ClaimedDelivery } from '../../backend.ts'
import { isPartitionedQueue } from '../../names.ts'
import type { Queryable } from './connection.ts'
import { HEARTBEAT_SECONDS, type QueueState } from './queues.ts'

/** A sweep visits this many lanes, and the next one goes on behind them. Each is one probe, whatever waits in it. */
const SWEPT_LANES = 300
/** Of all workers, one sweeps this often. */
const SWEEP_EVERY_SECONDS = 1

/** Says that these claims are being worked on. Answers the ids that are still ours. */
export async function keepClaims(
  database: Queryable,
  queue: QueueState,
  claims: readonly ClaimedDelivery[],
): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ id: string }>(`select ${queue.functions.keep}($1, $2) as id`, [
    claims.map((one) => one.id),
    claims.map((one) => one.claim),
  ])
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
