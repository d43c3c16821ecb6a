/** Counts for each handler what waits, runs and is stuck, in one statement; of more than 100,000 deliveries it looks at a sample. */
import { backlogOptions, type Backlog, type BacklogReport, type HandlerBacklog } from '../../../deliveries/backlog.ts'
import type { Registry } from '../../../handlers/registry.ts'
import { parseOptions } from '../../../parse-options.ts'
import type { Queryable } from '../connection.ts'
import { ACTIVE, FRESH, HANDLER, HELD, OURS } from '../functions/sql.ts'
import { stateOfJob } from '../record/statuses.ts'
import type { Tables } from '../schema/tables.ts'
import { progressOf } from './log-cursors.ts'
import { operating, type OperatorParts } from './operating.ts'

/** This many rows are looked at in a fifth of a second. */
export const LOOKED_AT = 100_000
/** With a sample, this many deliveries at the front of each queue are looked at too: they show better how old the oldest one is. */
const FRONT = 200

/** The states that have a count of the same name, besides `running`. */
const STATES = ['retrying', 'snoozed', 'awaiting', 'parked'] as const

interface Row extends Omit<HandlerBacklog, 'handler' | 'log'> {
  /** The stored name; `null` in a row that only gives the time. */
  readonly handler: string | null
  readonly at: Date
  readonly isEstimate: boolean
  readonly lagEvents: number | null
  readonly lagSeconds: number | null
}

export function backlogIn({ connection, tables, registry }: OperatorParts): Backlog['backlog'] {
  const { look } = operating(connection, tables)
  return async (given = {}) => {
    const { exact } = parseOptions('backlog()', backlogOptions, given)
    const known = await registry.load()
    return look((pool) => countBacklog(pool, tables, { registry: known, most: exact ? null : LOOKED_AT }))
  }
}

interface Counting {
  readonly registry: Registry
  /** If there are more rows than this, a sample is counted. `null`: all rows are counted. */
  readonly most: number | null
}

export async function countBacklog(
  database: Queryable,
  tables: Tables,
  { registry, most }: Counting,
): Promise<BacklogReport> {
  const { rows } = await database.query<Row>(statement(tables), [most])
  return reportOf(rows, registry)
}

/** A renamed handler may have several rows, and a handler without any delivery has none. */
function reportOf(rows: readonly Row[], { handlers, names }: Registry): BacklogReport {
  const found = rows.flatMap((row) => (row.handler === null ? [] : [backlogOf(row, names.handlers.shown(row.handler))]))
  const all = [...handlers.map(({ name }) => nothingFor(name)), ...found]
  return {
    at: rows[0]?.at ?? new Date(),
    isEstimate: rows[0]?.isEstimate ?? false,
    handlers: Array.from(Map.groupBy(all, ({ handler }) => handler).values(), (same) => same.reduce(addedUp)).toSorted(
      (one, other) => (one.handler < other.handler ? -1 : 1),
    ),
  }
}

function backlogOf(row: Row, handler: string): HandlerBacklog {
  const { waiting, later, running, retrying, snoozed, awaiting, parked, blockedKeys, dead, oldestWaitingMs } = row
  const log = row.lagEvents === null ? null : { events: row.lagEvents, seconds: row.lagSeconds ?? 0 }
  const counts = { waiting, later, running, retrying, snoozed, awaiting, parked, blockedKeys, dead }
  return { handler, ...counts, oldestWaitingMs, log }
}

function nothingFor(handler: string): HandlerBacklog {
  const counts = { waiting: 0, later: 0, running: 0, retrying: 0, snoozed: 0, awaiting: 0, parked: 0 }
  return { handler, ...counts, blockedKeys: 0, dead: 0, oldestWaitingMs: null, log: null }
}

function addedUp(one: HandlerBacklog, other: HandlerBacklog): HandlerBacklog {
  const oldest = [one.oldestWaitingMs, other.oldestWaitingMs].filter((ms) => ms !== null)
  return {
    handler: one.handler,
    waiting: one.waiting + other.waiting,
    later: one.later + other.later,
    running: one.running + other.running,
    retrying: one.retrying + other.retrying,
    snoozed: one.snoozed + other.snoozed,
    awaiting: one.awaiting + other.awaiting,
    parked: one.parked + other.parked,
    blockedKeys: one.blockedKeys + other.blockedKeys,
    dead: one.dead + other.dead,
    oldestWaitingMs: oldest.length === 0 ? null : Math.max(...oldest),
    log: other.log ?? one.log,
  }
}

/**
 *   deliveries that wait, or a sample ─► counted by handler and state ─► one row by handler ─┐
 *   running deliveries, by their index ────────────────────────────────► counted by handler ─┼─► one row for each handler
 *   open dead letters, or a sample ────────────────────────────────────► counted by handler ─┤
 *   cursors of handlers that read the log ────────────────────────────────────────────► lag ─┘
 *
 * A sample takes whole pages, the same ones each time: otherwise the numbers would jump from look to look. `offset 0` makes Postgres compute
 * each state once, not again for each count. The clock is read in advance: as a function it would be called for each delivery.
 */
function statement(tables: Tables): string {
  const { deadLetter, delivery, ownQueue } = tables
  const clock = '(select looked.at from looked)'
  const total = (condition: string, percent: string) =>
    `coalesce(round(sum(one.count) filter (where ${condition}) * 100 / ${percent}), 0)::integer`
  const jobs = (condition: string) => total(condition, 'min(looked.percent)')
  const isDue = `one.state = 'waiting' or one.state = 'parked' and not one.is_held and looked.percent = 100`
  return `with looked as materialized (
      select ${tables.clock} as at, ${percentOf(delivery)} as percent, ${percentOf(deadLetter)} as letters_percent
    ), letters as materialized (
      select letter.handler, letter.partition_key, letter.blocks_key
      from ${deadLetter} letter tablesample system ((select letters_percent from looked)) repeatable (1) where letter.dismissed_at is null
    ), counted as (
      select job.handler, job.state, job.is_later, job.is_held, count(*) as count, min(job.start_after) as oldest from (
        select ${HANDLER} as handler, ${stateOfJob({ ...tables, jobNow: clock })} as state,
          nullif(job.start_after, ${HELD}) as start_after, job.start_after > ${clock} and job.start_after < ${HELD} as is_later,
          job.blocked and job.singleton_key in (
            select letters.handler || ':' || letters.partition_key from letters where letters.blocks_key
          ) as is_held
        from ${delivery} job tablesample system ((select percent from looked)) repeatable (1)
        where job.state < 'active' and ${OURS} offset 0
      ) job group by 1, 2, 3, 4
    ), jobs as (
      select one.handler, ${jobs(`one.state = 'waiting' and not one.is_later`)} as waiting,
        ${jobs(`one.state = 'waiting' and one.is_later`)} as later,
        ${STATES.map((name) => `${jobs(`one.state = '${name}'`)} as ${name}`).join(', ')},
        min(one.oldest) filter (where one.oldest <= looked.at and (${isDue})) as oldest
      from counted one cross join looked group by one.handler
    ), active as (
      select ${HANDLER} as handler, count(*)::integer as running from ${delivery} job where ${ACTIVE} group by 1
    ), front as (
      select first.handler, min(first.start_after) as oldest from ${ownQueue} queue cross join lateral (
        select ${HANDLER} as handler, job.start_after from ${delivery} job where job.name = queue.name and ${FRESH}
        order by job.priority desc, job.created_on limit ${FRONT}
      ) first where (select percent from looked) < 100 and first.start_after <= ${clock} group by 1
    ), dead as (
      select one.handler, ${total('true', 'min(looked.letters_percent)')} as dead,
        ${total('one.blocks_key', 'min(looked.letters_percent)')} as blocked
      from (select letters.handler, letters.blocks_key, count(*) as count from letters group by 1, 2) one cross join looked group by 1
    ), progress as (
      ${progressOf(tables)}
    )
    select looked.at, looked.percent < 100 or looked.letters_percent < 100 as "isEstimate", handlers.handler,
      ${['waiting', 'later', 'running', ...STATES].map((name) => `coalesce(${name}, 0) as ${name}`).join(', ')},
      coalesce(dead.blocked, 0) as "blockedKeys", coalesce(dead.dead, 0) as dead,
      1000 * extract(epoch from looked.at - least(jobs.oldest, front.oldest))::float8 as "oldestWaitingMs",
      progress.events as "lagEvents", progress.seconds as "lagSeconds"
    from looked left join (
      select jobs.handler from jobs union select active.handler from active union select front.handler from front
      union select dead.handler from dead union select progress.handler from progress
    ) handlers on true
    left join jobs using (handler) left join active using (handler) left join front using (handler)
    left join dead using (handler) left join progress using (handler)`
}

/** SQL: how many percent of a table are looked at. The server keeps a count of its rows; without that count, all are looked at. */
function percentOf(table: string): string {
  return `least(100, 100.0 * $1::bigint / greatest(1, pg_stat_get_live_tuples('${table}'::regclass)))::float8`
}
