/**
 * Jobs that are held: they are in their lanes, but not due, until the owner of their shard lets them in. These are jobs that a worker was running
 * when it died, jobs that an operator starts again, and jobs that a publisher writes during a change of mode. Without the hold, such a job could
 * run beside an event of its key that the owner of the shard is reading.
 */
import type { HeldJob } from '../../../deliveries/log-reading.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import { partitionKeyOfLane } from '../../../deliveries/lane-key.ts'
import type { Queryable } from '../connection.ts'
import { functionName, HANDLER, HELD, RETURNING } from '../functions/sql.ts'
import { queuesOf, storedNameOf } from '../record/log-reader.ts'
import type { Tables } from '../schema/tables.ts'
import { hashOf } from './read-piece.ts'

/** One call finds at most this many jobs of a queue. */
const MOST = 2_000

/** Handlers that read the log have priority 0. A handler that is changing to deliveries may have another one. */
export async function heldJobs(
  database: Queryable,
  tables: Tables,
  handlers: readonly AnyHandler[],
): Promise<readonly HeldJob[]> {
  const key = partitionKeyOfLane('job.singleton_key')
  const { rows } = await database.query<HeldJob>({
    name: 'log-held',
    text: `select ${HANDLER} as handler, job.name as queue, job.id, ${tables.seqOfDelivery}(job.id)::float8 as number,
      ${key} as "partitionKey", ${hashOf(`coalesce(${key}, job.data ->> 'event')`)} as hash
    from unnest($1::text[]) as used (queue) cross join lateral (
      select * from ${tables.delivery} job
      where ${RETURNING} and job.name = used.queue and job.priority = any($3::integer[]) and job.start_after = ${HELD}
        and ${HANDLER} = any($2::text[]) limit ${MOST}
    ) job`,
    values: [
      [...new Set(handlers.flatMap(queuesOf))],
      handlers.map(storedNameOf),
      [...new Set([0, ...handlers.map(({ options }) => -options.priority)])],
    ],
  })
  return rows
}

export async function admit(
  database: Queryable,
  tables: Tables,
  jobs: readonly Pick<HeldJob, 'queue' | 'id'>[],
): Promise<void> {
  if (jobs.length === 0) return
  await database.query(`select ${functionName(tables, 'log_admit')}($1, $2)`, [
    jobs.map(({ queue }) => queue),
    jobs.map(({ id }) => id),
  ])
}
