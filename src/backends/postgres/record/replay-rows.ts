/** Replays as they are stored: reads them for `bus.replays`, and changes their state. */
import type { ReplayProgress, ReplayState } from '../../../deliveries/replays.ts'
import { PostbusError } from '../../../errors.ts'
import type { Queryable } from '../connection.ts'
import { REPLAY } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

/** The stored query of a replay: enough to go on in another process. */
export interface StoredQuery {
  readonly types?: string[] | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly partitionKeys?: string[] | undefined
  readonly ratePerSecond?: number | undefined
  readonly hasWhere: boolean
}

interface Row extends Omit<ReplayProgress, 'remainingMs' | 'matching' | 'examined' | 'count' | 'retried' | 'skipped'> {
  readonly matching: string
  readonly examined: string
  readonly replayed: string
  readonly retried: string
  readonly skipped: string
  readonly movedMs: number
}

export async function listReplays(
  database: Queryable,
  tables: Tables,
  id?: string,
): Promise<readonly ReplayProgress[]> {
  const { rows } = await database.query<Row>(
    `select replay.id, replay.handler, replay.state, replay.matching, replay.examined, replay.replayed, replay.retried,
      replay.skipped, replay.by, replay.reason, replay.began_at as "beganAt", replay.ended_at as "endedAt",
      extract(epoch from replay.moved_at - replay.began_at)::float8 * 1000 as "movedMs",
      coalesce(live.count, 0) as waiting
    from ${tables.replay} replay left join (
      select ${REPLAY} as replay, count(*)::integer as count from ${tables.delivery} job
      where ${REPLAY} is not null and job.state < 'completed' group by 1
    ) live on live.replay = replay.id::text
    where $1::uuid is null or replay.id = $1 order by replay.began_at desc, replay.id limit 100`,
    [id ?? null],
  )
  return rows.map(progressOf)
}

function progressOf({ movedMs, matching, examined, replayed, retried, skipped, ...rest }: Row): ReplayProgress {
  const looked = Number(examined)
  const left = Math.max(0, Number(matching) - looked)
  const isOver = rest.state === 'done' || rest.state === 'cancelled'
  return Object.freeze({
    ...rest,
    matching: Number(matching),
    examined: looked,
    count: Number(replayed) + Number(retried),
    retried: Number(retried),
    skipped: Number(skipped),
    remainingMs: isOver ? 0 : looked === 0 ? null : Math.round((movedMs / looked) * left),
  })
}

export async function progress(database: Queryable, tables: Tables, id: string): Promise<ReplayProgress> {
  const [found] = await listReplays(database, tables, id)
  if (found) return found
  throw noSuchReplay(id)
}

/** Changes the state of a replay that has not ended. With `runner`, only that run may go on with it. */
export async function changeState(
  database: Queryable,
  tables: Tables,
  id: string,
  { state, runner }: { readonly state: ReplayState; readonly runner?: string },
): Promise<void> {
  const { rows } = await database.query(
    `update ${tables.replay} set state = $2, runner = coalesce($3::uuid, runner), moved_at = ${tables.clock},
      ended_at = case when $2 in ('done', 'cancelled') then ${tables.clock} end
    where id = $1 and state in ('running', 'paused') returning id`,
    [id, state, runner ?? null],
  )
  if (rows.length > 0) return
  const { state: ended } = await progress(database, tables, id)
  throw new PostbusError('POSTBUS_REPLAY_ENDED', `Replay ${id} is ${ended}. Begin another one with bus.replay().`)
}

function noSuchReplay(id: string): PostbusError {
  return new PostbusError('POSTBUS_NO_SUCH_REPLAY', `There is no replay ${id}. See: npx postbus replay --list`)
}
