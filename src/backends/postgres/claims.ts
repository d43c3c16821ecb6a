/** Keeping claims and taking them over: heartbeats, and the recovery of deliveries whose worker has gone silent. */
import type { AttemptError, ClaimedDelivery } from '../../backend.ts'
import type { Queryable } from './connection.ts'
import { HEARTBEAT_SECONDS, RETRY_LIMIT, type QueueState } from './queues.ts'
import { withError } from './settle.ts'
import type { Tables } from './tables.ts'

/** Says that these claims are being worked on. Answers the ids that are still ours. */
export async function keepClaims(
  database: Queryable,
  tables: Tables,
  queue: QueueState,
  claims: readonly ClaimedDelivery[],
): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ id: string }>(
    `update ${queue.table} job set heartbeat_on = ${tables.jobNow}
    from unnest($2::uuid[], $3::integer[]) as mine (id, claim)
    where job.name = $1 and job.id = mine.id and job.retry_count = mine.claim and job.state = 'active'
    returning job.id`,
    [queue.name, claims.map((one) => one.id), claims.map((one) => one.claim)],
  )
  return new Set(rows.map((row) => row.id))
}

/**
 * Frees the deliveries whose worker has not been heard of for {@link HEARTBEAT_SECONDS}. The attempt counts, with an
 * error that says so; whether it was the last one is decided at the next claim, which knows the handler.
 */
export async function recoverClaims(database: Queryable, tables: Tables, queue: QueueState): Promise<number> {
  const { rows } = await database.query<{ id: string }>(
    `with silent as (
      select id from ${queue.table}
      where name = $1 and state = 'active'
        and heartbeat_on < ${tables.jobNow} - coalesce(heartbeat_seconds, ${HEARTBEAT_SECONDS}) * interval '1s'
      for update skip locked
    )
    update ${queue.table} job set
      state = 'retry',
      start_after = ${tables.jobNow},
      heartbeat_on = null,
      output = ${withError('job.output', `$2::jsonb || jsonb_build_object('attempt', job.retry_count - (job.retry_limit - ${RETRY_LIMIT}) + 1)`)}
    from silent
    where job.name = $1 and job.id = silent.id
    returning job.id`,
    [queue.name, JSON.stringify(workerDied())],
  )
  if (rows.length > 0) await database.query('select pg_notify($1, $2)', [tables.channel, queue.name])
  return rows.length
}

function workerDied(): AttemptError {
  return {
    attempt: 0, // filled in by the statement
    at: new Date().toISOString(),
    code: 'POSTBUS_WORKER_DIED',
    message: `The worker was not heard of for ${HEARTBEAT_SECONDS} s: it died, was stopped, or lost its connection.`,
    stack: null,
  }
}
