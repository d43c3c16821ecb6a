/** The list of worker processes, for people: each announces itself and is forgotten when it leaves or goes silent. */
import { hostname } from 'node:os'
import type { WorkerRecord } from '../../../deliveries/delivery-store.ts'
import type { RunningWorker } from '../../../deliveries/workers.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import { MAX_WAKE_BYTES } from './wake-up.ts'

/** A worker not heard of for this long is no longer listed. */
const FORGOTTEN_AFTER = '60 seconds'

/** Inserts or refreshes this process's row, and removes the rows of processes that are gone. */
export async function announceWorker(database: Queryable, tables: Tables, worker: WorkerRecord): Promise<void> {
  await database.query(
    `with forgotten as (
      delete from ${tables.worker} where seen_at < now() - interval '${FORGOTTEN_AFTER}' and id <> $1
    )
    insert into ${tables.worker} (id, host, pid, queues, slots, handlers) values ($1, $2, $3, $4, $5, $6)
    on conflict (id) do update set seen_at = now()`,
    [worker.id, hostname(), process.pid, [...worker.queues.keys()], [...worker.queues.values()], worker.handlers],
  )
}

/**
 * Removes a worker that has stopped, and wakes the others. It has claimed nothing since it was told to stop, so deliveries that
 * its last settles made due, such as the next one of a lane, are for the others. They would find them only at their next poll.
 */
export async function removeWorker(database: Queryable, tables: Tables, workerId: string): Promise<void> {
  await database.query(
    `with gone as (delete from ${tables.worker} where id = $1 returning array_to_string(queues, ' ') as queues)
    select pg_notify($2, case when octet_length(queues) > ${MAX_WAKE_BYTES} then '*' else queues end) from gone`,
    [workerId, tables.channel],
  )
}

interface Row extends Omit<RunningWorker, 'queues'> {
  readonly queues: readonly string[]
  readonly slots: readonly number[] | null
}

/** The workers that are alive, oldest first. Their handlers have their stored names. */
export async function listWorkers(database: Queryable, tables: Tables): Promise<readonly RunningWorker[]> {
  const { rows } = await database.query<Row>(
    `select id, host, pid, queues, slots, handlers, started_at as "startedAt", seen_at as "seenAt" from ${tables.worker}
    where seen_at >= now() - interval '${FORGOTTEN_AFTER}' order by started_at, id`,
  )
  return rows.map(({ queues, slots, ...worker }) => ({
    ...worker,
    queues: queues.map((queue, index) => ({ queue, slots: slots?.[index] ?? null })),
  }))
}
