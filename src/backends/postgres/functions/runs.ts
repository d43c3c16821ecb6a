/**
 * Runs: deliveries that follow each other in a lane and are held by one worker. Only the first is active. While it is, no other
 * worker can claim those behind it. When it ends, the next one becomes active in the same settle (see `settle-lanes.ts`).
 *
 * A large delivery is never behind another one: it would be in memory long before its turn.
 *
 * A delivery that was tried before is not behind another one either, and has none behind it. So a delivery that kills its process is
 * alone the next time, and costs those around it one attempt at most.
 */
import type { Tables } from '../schema/tables.ts'
import { inQueue } from './lane-rows.ts'
import { IS_LARGE } from './sizes.ts'
import { LIVE_IN_LANE, NOT_SET_ASIDE, REPLAY } from './sql.ts'

/** The claim of a delivery that was never tried before is a number below this: see `claimOf`. */
const CLAIMS_OF_A_MINUTE = 60_000_000

/** What a worker holds of a lane, as SQL: the lane, the last delivery that it knows of it, and how many more it may have. */
interface Known {
  readonly lane: string
  readonly last: string
  readonly count: string
}

/** SQL: the ids and replays of the deliveries behind the last known one, up to the first that is not ready to run. */
export function behind(tables: Tables, { lane, last, count }: Known): string {
  const isReady = `job.state = 'created' and job.started_on is null and job.start_after <= ${tables.clock}
    and ${NOT_SET_ASIDE} and not ${IS_LARGE}`
  return `select follower.id, follower.replay from (
        select job.id, ${REPLAY} as replay, bool_and(${isReady}) over (order by job.id) as is_ready from (
          select * from ${tables.delivery} job
          where ${inQueue('job', 'of_queue')} and job.singleton_key = ${lane} and ${LIVE_IN_LANE} and job.id > ${last}
          order by job.id limit ${count}
        ) job
      ) follower where follower.is_ready`
}

/**
 * SQL: `activated`, the heads from `head`, each with the deliveries behind it. The claim of a head is the claim of all of them, but is
 * only in the row of the head. `also`: columns of `head` to keep.
 */
export function runsOf(tables: Tables, head: string, also: readonly string[]): string {
  const columns = also.map((column) => `${head}.${column}, `).join('')
  return `activated as (
      select ${columns}${head}.id as head, ${head}.id, ${head}.handler, ${head}.claim, ${head}.attempt, ${head}.replay, ${head}.awaited from ${head}
      union all
      select ${columns}${head}.id, follower.id, ${head}.handler, null, 1, follower.replay, null from ${head}
      cross join lateral (
        ${behind(tables, { lane: `${head}.lane`, last: `${head}.id`, count: 'behind' })}
      ) follower
      where behind > 0 and ${head}.claim < ${CLAIMS_OF_A_MINUTE}
    )`
}
