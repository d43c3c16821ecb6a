/** Keeping claims and taking them over: heartbeats, the recovery of silent workers' deliveries, and the sweep of lanes. */
import type { AttemptError, ClaimedDelivery } from '../../../deliveries/delivery.ts'
import type { Recovered } from '../../../deliveries/delivery-store.ts'
import type { Queryable } from '../connection.ts'
import { functionName } from '../functions/sql.ts'
import { HEARTBEAT_SECONDS } from '../queues/queues.ts'
import type { Tables } from '../schema/tables.ts'

/** A sweep visits this many lanes, and the next one goes on behind them. Each is one probe, whatever waits in it. */
const SWEPT_LANES = 300
/** Of all workers, one sweeps this often. */
const SWEEP_EVERY_SECONDS = 1
/** Between two looks at all claims, recovery looks at heartbeats that have become too old since its last look, and some more. */
const RECENT_SECONDS = HEARTBEAT_SECONDS + 10
const LOOK_AT_ALL_EVERY_MS = 60_000

/** Says that these claims are being worked on. Returns the ids that are still ours. */
export async function keepClaims(
  database: Queryable,
  tables: Tables,
  queue: string,
  claims: readonly ClaimedDelivery[],
): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ id: string }>({
    name: 'keep',
    text: `select ${functionName(tables, 'keep')}($1, $2, $3) as id`,
    values: [queue, claims.map((one) => one.id), claims.map((one) => one.claim)],
  })
  return new Set(rows.map((row) => row.id))
}

/**
 * Frees the deliveries whose worker has not been heard of for {@link HEARTBEAT_SECONDS}, and returns how many of which
 * queues. The same statement sweeps lanes: an idle worker sends few.
 */
export function recoverClaims(tables: Tables) {
  let lastLook = -Infinity
  let lastLookAtAll = -Infinity
  return async (database: Queryable): Promise<readonly Recovered[]> => {
    const now = performance.now()
    const isRecentEnough = now - lastLook < (RECENT_SECONDS - HEARTBEAT_SECONDS) * 500
    const since = isRecentEnough && now - lastLookAtAll < LOOK_AT_ALL_EVERY_MS ? RECENT_SECONDS : null
    lastLook = -Infinity // a look that fails has seen nothing
    const { rows } = await database.query<Recovered>({
      name: 'recover',
      text: `select lost.queue, lost.count from ${functionName(tables, 'recover')}($1, $2, $3::jsonb) lost
      union all
      select '', ${functionName(tables, 'sweep')}($4, $5)`,
      values: [HEARTBEAT_SECONDS, since, JSON.stringify(workerDied()), SWEPT_LANES, SWEEP_EVERY_SECONDS],
    })
    lastLook = now
    if (since === null) lastLookAtAll = now
    return rows.filter(({ queue }) => queue !== '')
  }
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
