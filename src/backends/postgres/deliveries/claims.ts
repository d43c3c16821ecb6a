/** Keeping claims and taking them over: heartbeats, the recovery of silent workers' deliveries, and the sweep of lanes. */
import type { AttemptError, ClaimedDelivery } from '../../../deliveries/delivery.ts'
import { isPartitionedQueue } from '../../../names.ts'
import type { Queryable } from '../connection.ts'
import { HEARTBEAT_SECONDS, type QueueState } from '../queues/queues.ts'

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

/**
 * Frees the deliveries whose worker has not been heard of for {@link HEARTBEAT_SECONDS}, and answers how many. In a
 * partitioned queue the same statement sweeps: an idle worker sends few.
 */
export async function recoverClaims(database: Queryable, { name, functions }: QueueState): Promise<number> {
  const recover = `select ${functions.recover}($1, $2::jsonb) as count`
  const values = [HEARTBEAT_SECONDS, JSON.stringify(workerDied())]
  const { rows } = isPartitionedQueue(name)
    ? await database.query<{ count: number }>(`${recover}, ${functions.sweep}($3, $4)`, [
        ...values,
        SWEPT_LANES,
        SWEEP_EVERY_SECONDS,
      ])
    : await database.query<{ count: number }>(recover, values)
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
