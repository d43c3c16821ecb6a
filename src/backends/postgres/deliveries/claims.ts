/** Keeps claims and takes them over: heartbeats, the recovery of silent workers' deliveries, and the sweep of lanes. */
import type { AttemptError, ClaimedDelivery } from '../../../deliveries/delivery.ts'
import type { Look, Looking } from '../../../deliveries/delivery-store.ts'
import type { Queryable } from '../connection.ts'
import { functionName } from '../functions/sql.ts'
import { HEARTBEAT_SECONDS } from '../queues/queues.ts'
import type { Tables } from '../schema/tables.ts'

/** A sweep visits this many lanes, and the next sweep goes on after them. Each lane costs one probe, even if much waits in it. */
const SWEPT_LANES = 300
/** At this interval, one of all workers sweeps. */
const SWEEP_EVERY_SECONDS = 1
/** The heartbeat of a claim that is kept differs from the server's clock by at most this: heartbeats come every 2.5 s. */
const SILENT_SECONDS = 4
/** Between two looks at all claims, recovery only looks at claims that are silent for less than this, with some time to spare. */
const RECENT_SECONDS = HEARTBEAT_SECONDS + 10

/** Renews the heartbeats of these claims. Returns the ids of the claims that this worker still has. */
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

/** Looks for claims whose worker is silent, and frees the lost claims. The same statement sweeps lanes, which saves an idle worker a statement. */
export async function recoverClaims(
  database: Queryable,
  tables: Tables,
  { watched, lost, lookedAt, all }: Looking,
): Promise<Look> {
  const { rows } = await database.query<LookRow>({
    name: 'recover',
    text: `select null as queue, null as taken, null as id, null as claim, null as beat, null as delayed, null as seen_at
      from ${functionName(tables, 'sweep')}($10, $11)
    union all
    select * from ${functionName(tables, 'recover_silent')}($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb)`,
    values: [
      watched.map(({ queue }) => queue),
      watched.map(({ id }) => id),
      watched.map(({ claim }) => claim),
      watched.map(({ beat }) => beat),
      watched.map((one) => lost.has(one)),
      lookedAt,
      SILENT_SECONDS,
      all ? null : RECENT_SECONDS,
      JSON.stringify(workerDied()),
      SWEPT_LANES,
      SWEEP_EVERY_SECONDS,
    ],
  })
  const report = rows.find((row) => row.delayed !== null)
  return {
    isDelayed: report?.delayed ?? true,
    at: report?.seen_at ?? 0,
    silent: rows.flatMap(({ queue, id, claim, beat }) =>
      id === null || queue === null || claim === null || beat === null ? [] : [{ queue, id, claim, beat }],
    ),
    recovered: rows.flatMap(({ queue, taken }) => (queue === null || taken === null ? [] : [{ queue, count: taken }])),
  }
}

/** Three kinds of rows: a report on the look, how many deliveries of a queue were taken over, and a claim that is silent. */
interface LookRow {
  readonly queue: string | null
  readonly taken: number | null
  readonly id: string | null
  readonly claim: string | null
  readonly beat: string | null
  readonly delayed: boolean | null
  readonly seen_at: number | null
}

function workerDied(): AttemptError {
  return {
    attempt: 0, // filled in by the function
    at: new Date().toISOString(),
    code: 'POSTBUS_WORKER_DIED',
    message: `The worker was not heard of for ${HEARTBEAT_SECONDS} s: it died, was stopped, stood still, or lost its connection.`,
    stack: null,
  }
}
