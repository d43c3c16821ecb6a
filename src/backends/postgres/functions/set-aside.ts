/**
 * Keeps a flood for one handler from holding up the others of its queue: a delivery whose handler has no slot left is set aside by
 * the claim that looks at it.
 *
 *   candidates ──► its handler has a free slot ──► claimed
 *       ▲     └──► it has none ──► set aside ──┐
 *       └──────────────────────────────────────┘ as many as there are free slots, at every claim of any worker
 *
 * A delivery that is set aside leaves the indexes in which claims find candidates, so it is passed over only once. It is then in an
 * index of its own, by handler. Every claim looks there first, so no process has to be told that a slot became free, and nothing
 * can be forgotten.
 *
 * `blocked` takes it out of those indexes. `group_tier`, which means nothing to pg-boss for a job without a group, tells it from a
 * parked one: a statement that parks a delivery sets `blocked`, and leaves this mark empty.
 */
import { queueLockKey } from '../schema/advisory-locks.ts'
import type { Tables } from '../schema/tables.ts'
import { PRIORITIES } from './marks.ts'
import { ACTIVE, FIXED_PLAN, FRESH, functionName, HANDLER, RETURNING, SET_ASIDE } from './sql.ts'

/** One claim passes over about this many at most; the next one goes on behind them. */
export const LONGEST_LOOK = 200

const IN_ORDER = 'job.priority desc, job.created_on'

/** SQL: sets the locked rows of the array `rows` aside. An array that is still null costs no statement. */
export function settingAside({ delivery }: Tables, rows: string): string {
  return `if ${rows} is not null then
      update ${delivery} job set blocked = true, group_tier = 'set aside' from unnest(${rows}) as late (row)
      where job.ctid = late.row;
    end if;`
}

/** The variables of a claim that has limits. Handlers that are not among `handlers` are not limited. */
export const LIMIT_VARIABLES = `
  handlers text[];
  free integer[];
  full_up text[];
  passed_over boolean;
  one record;
  place integer;
  chosen tid[];
  aside tid[];`

/** Claims hold this lock if all processes share the slots of a handler. */
export function limitsLock({ names }: Tables): string {
  return queueLockKey('limits', names, `regexp_replace(of_queue, '_partitioned$', '')`)
}

/**
 * SQL: fills `handlers` and `free` from `limits`. Claims with a limit for the whole cluster take turns, so that what a claim counts
 * is still true when it claims. The statement that counts comes after the lock, and so has a new snapshot. It counts in both queues
 * of a handler.
 */
export function readingLimits(tables: Tables): string {
  const { delivery } = tables
  const lock = limitsLock(tables)
  return `if limits is not null then
    if jsonb_path_exists(limits, '$[*].cluster ? (@ != null)') then
      perform pg_advisory_xact_lock(${lock});
    end if;
    select array_agg(limited.handler), array_agg(greatest(0, least(limited.free, limited.cluster - active.count, wanted)))
    into handlers, free
    from jsonb_to_recordset(limits) as limited (handler text, free integer, cluster integer)
    left join lateral (
      select count(*)::integer as count from (
        select from ${delivery} job where ${ACTIVE} and ${HANDLER} = limited.handler and limited.cluster is not null
        order by job.heartbeat_on limit limited.cluster
      ) of_handler
    ) active on limited.cluster is not null;
  end if;`
}

/** SQL: finds out whether anything is set aside, as `found`: one probe of an index that is empty while no limit is reached. */
export function probing({ delivery }: Tables): string {
  return `perform from ${delivery} job where ${SET_ASIDE} and job.name = of_queue order by job.name, ${HANDLER} limit 1;`
}

/** SQL: appends `row` to `chosen`, and takes a slot of its handler; or appends it to `aside` if its handler has no slot left. */
export function sortingOut(row: string, handler: string): string {
  return `place := array_position(handlers, ${handler});
      if free[place] = 0 then
        aside := aside || ${row};
        if array_position(full_up, handlers[place]) is null then full_up := full_up || handlers[place]; end if;
      else
        chosen := chosen || ${row};
        if place is not null then free[place] := free[place] - 1; end if;
      end if;`
}

/** SQL: a claim's call of `setAsideFunction`. With marks, it compares with what the front has from these on. */
export function takenBack(tables: Tables, againstFront: string): string {
  const floors = 'case when marks is not null then floors end'
  return `${functionName(tables, 'set_aside_2')}(of_queue, wanted, handlers, free, ${againstFront}, ${floors})`
}

/**
 * Locks deliveries that were set aside and may run now: of each handler up to its free slots, and of all handlers together the
 * deliveries that come before the front of the queue (or, without `against_front`, as many as are wanted). Returns a row for each, and at least one
 * row for each handler that has anything set aside: `held_back` if its free slots are used up, `passed_over` if the front comes
 * before.
 */
export function setAsideFunction(tables: Tables): string {
  const { delivery, jobNow } = tables
  const due = `job.start_after <= ${jobNow}`
  const aside = `${SET_ASIDE} and job.name = of_queue`
  const byHandler = `job.name, ${HANDLER}`
  const oneOf = (handler: string) => `${aside} and ${HANDLER} = ${handler} and ${due}
        order by ${byHandler}, ${IN_ORDER}`
  return `
create or replace function ${functionName(tables, 'set_aside_2')}(
  of_queue text, wanted integer, handlers text[], free integer[], against_front boolean, floors timestamptz[]
) returns table (handler text, "row" tid, id uuid, lane text, held_back boolean, passed_over boolean)
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
begin
  return query
    with recursive waiting as (
      (select ${HANDLER} as handler from ${delivery} job where ${aside} order by ${byHandler} limit 1)
      union all
      select following.handler from waiting cross join lateral (
        select ${HANDLER} as handler from ${delivery} job where ${aside} and ${HANDLER} > waiting.handler
        order by ${byHandler} limit 1
      ) following
    ), room as materialized (
      select waiting.handler, least(wanted, coalesce(free[array_position(handlers, waiting.handler)], wanted)) as free
      from waiting
    ), fitting as materialized (
      select room.handler, one.priority, one.created_on as at from room cross join lateral (
        select job.priority, job.created_on from ${delivery} job where ${oneOf('room.handler')}
        limit room.free
      ) one
    ), against as materialized (
      select level.priority, floors[1 - level.priority] as fresh, floors[${PRIORITIES + 1} - level.priority] as back
      from generate_series(0, ${1 - PRIORITIES}, -1) as level (priority) where against_front and exists (select from fitting)
    ), front as materialized (
      (select job.priority, job.created_on as at from ${delivery} job
      where ${FRESH} and job.name = of_queue and ${due}
      order by job.name, job.priority desc, job.created_on
      limit coalesce((select wanted from against where against.priority = 0 and floors is null), 0))
      union all
      select one.priority, one.at from against cross join lateral (
        select job.priority, job.created_on as at from ${delivery} job
        where ${FRESH} and job.name = of_queue and job.priority = against.priority and job.created_on >= against.fresh and ${due}
        order by job.name, job.priority desc, job.created_on limit wanted
      ) one
      union all
      select one.priority, one.at from against cross join lateral (
        select job.priority, job.start_after as at from ${delivery} job
        where ${RETURNING} and job.name = of_queue and job.priority = against.priority
          and job.start_after >= coalesce(against.back, '-infinity') and ${due}
        order by job.name, job.priority desc, job.start_after limit wanted
      ) one
    ), first as materialized (
      select * from (select * from fitting union all select null, front.* from front) both_kinds
      order by both_kinds.priority desc, both_kinds.at
      limit wanted
    ), share as materialized (
      select room.handler, room.free,
        (select count(*) from first where first.handler = room.handler) as count,
        (select count(*) from fitting where fitting.handler = room.handler) as fitting
      from room
    )
    select share.handler, taken.row, taken.id, taken.singleton_key, share.free <= share.count, share.count < share.fitting
    from share left join lateral (
      select job.ctid as row, job.id, job.singleton_key from ${delivery} job where ${oneOf('share.handler')}
      limit share.count
      for update skip locked
    ) taken on true;
end
$function$`
}
