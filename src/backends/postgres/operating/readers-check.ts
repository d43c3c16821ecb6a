/** What doctor says about handlers that read the log: which have no worker, which do not move, and which publisher holds them back. */
import { realNowMs } from '../../../clock.ts'
import type { DoctorFinding } from '../../../deliveries/operations.ts'
import type { Registry } from '../../../handlers/registry.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import { listProgress } from './log-cursors.ts'

/** Reported after this long: a cursor that is behind and does not move, a change that takes no step, and a publishing transaction that is open. */
const STILL_SECONDS = 60

export async function examineReaders(database: Queryable, tables: Tables, { names }: Registry): Promise<DoctorFinding> {
  const readers = await listProgress(database, tables)
  if (readers.length === 0) return { check: 'readers', status: 'ok', message: 'no handler reads the log' }

  const holder = await oldestPublisher(database, tables)
  const still = readers.filter(
    ({ lag, movedAt }) => lag.seconds > STILL_SECONDS && secondsSince(movedAt) > STILL_SECONDS,
  )
  const changing = readers.filter(
    ({ changingSince }) => changingSince !== null && secondsSince(changingSince) > STILL_SECONDS,
  )
  const problems = [
    ...(holder === null ? [] : [holder]),
    ...still.map(({ handler, read, shards, lag }) => {
      const who = `"${names.handlers.shown(handler)}" stands still, ${lag.events.toLocaleString('en')} events behind`
      if (read < shards) return `${who}: ${shards - read} of its ${shards} shards are read by no worker`
      return `${who}: is it paused, or does it fail to be acknowledged? What it has not passed is not pruned`
    }),
  ]
  for (const { handler, change, changingSince } of changing) {
    const minutes = Math.round(secondsSince(changingSince ?? new Date(realNowMs())) / 60)
    problems.push(
      `"${names.handlers.shown(handler)}" is changing (${change}), and has taken no step for ${minutes} min: it waits for an open transaction, for a backfill, or for a worker`,
    )
  }
  if (problems.length > 0) {
    const mend = 'See: npx postbus log list. A handler that is gone: npx postbus log forget'
    return { check: 'readers', status: 'warning', message: `${problems.join('; ')}. ${mend}` }
  }
  const most = Math.max(...readers.map(({ lag }) => lag.events))
  const count = `${readers.length} ${readers.length === 1 ? 'handler reads' : 'handlers read'} the log`
  return { check: 'readers', status: 'ok', message: `${count}, at most ${most.toLocaleString('en')} events behind` }
}

/** The oldest transaction that has published and not ended: no reader passes the events that it may still commit. */
async function oldestPublisher(database: Queryable, tables: Tables): Promise<string | null> {
  const { rows } = await database.query<{ pid: number; application: string; seconds: number }>(
    `select activity.pid, coalesce(nullif(activity.application_name, ''), 'no application name') as application,
      extract(epoch from clock_timestamp() - activity.xact_start)::float8 as seconds
    from pg_locks lock join pg_stat_activity activity on activity.pid = lock.pid
    where lock.locktype = 'relation' and lock.relation = '${tables.event}'::regclass and lock.mode = 'RowExclusiveLock'
      and lock.database = (select oid from pg_database where datname = current_database())
      and activity.xact_start < clock_timestamp() - interval '${STILL_SECONDS} s'
    order by activity.xact_start limit 1`,
  )
  const [oldest] = rows
  if (!oldest) return null
  const minutes = Math.max(1, Math.round(oldest.seconds / 60)).toLocaleString('en')
  return `the transaction of process ${oldest.pid} (${oldest.application}) has published, and has not ended for ${minutes} min: no reader goes past it`
}

function secondsSince(date: Date): number {
  return (realNowMs() - date.getTime()) / 1_000
}
