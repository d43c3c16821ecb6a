/** The SQL that finds the rows of a lane, each by the only index that has its order. */
import type { Tables } from '../schema/tables.ts'
import { LIVE_IN_LANE } from './sql.ts'

/**
 * SQL: the queue of a row that is looked up by its lane. A hash of the name comes first, and the name is never compared alone. So only
 * the index of lanes has this order, and the primary key, which begins with the name, does not.
 */
export function inQueue(job: string, queue: string): string {
  return `hashtext(${job}.name) = hashtext(${queue}) and ${job}.name || '' = ${queue}`
}

/** The smallest live id of the lane `lane`: its head. */
export function headOf(tables: Tables, { queue, lane }: { queue: string; lane: string }, columns: string): string {
  return `select ${columns} from ${tables.delivery} job
      where ${inQueue('job', queue)} and job.singleton_key = ${lane} and ${LIVE_IN_LANE}
      order by job.id limit 1`
}

/**
 * The active delivery of the lane `lane`, by pg-boss's unique index.
 *
 * With an equal sign instead of two bounds, the planner would drop the order, and could use another index. Without the upper bound, a
 * look into a lane where nothing runs would step over what has finished in all later lanes.
 */
export function runningIn(tables: Tables, { queue, lane }: { queue: string; lane: string }): string {
  return `select job.id from ${tables.delivery} job
      where job.name = ${queue} and job.state = 'active' and job.policy = 'singleton'
        and coalesce(job.singleton_key, '') >= ${lane} and coalesce(job.singleton_key, '') <= ${lane}
      order by job.name, coalesce(job.singleton_key, '') limit 1`
}
