/**
 * What keeps a flood for one handler from holding up the others of its queue: a delivery whose handler has no slot left is
 * set aside by the claim that looks at it.
 *
 *   candidates ──► its handler has a free slot ──► claimed
 *       ▲     └──► it has none ──► set aside ──┐
 *       └──────────────────────────────────────┘ as many as there are free slots, at every claim of any worker
 *
 * It leaves the index that candidates are found by, so each is passed over once, and stands in an index of its own, by
 * handler. Every claim looks there first, so nobody has to be told that a slot became free, and nothing can be forgotten.
 *
 * `blocked` takes it out of the first index; `group_tier`, which is without meaning to pg-boss for a job without a group,
 * tells it from a parked one. Only two statements set `blocked`: parking, which clears the mark, and setting aside.
 */
import { baseQueue, partitionedQueue } from '../../../../names.ts'
import { FIXED_PLAN, functionName, type QueueParts } from './sql.ts'

/** One claim passes over about so many at the most; the next one goes on behind them. */
export const LONGEST_LOOK = 200

const MARK = `'set aside'`
export const SET_ASIDE = `job.blocked and job.group_tier = ${MARK} and job.state < 'active'`
export const NOT_SET_ASIDE = `job.group_tier is distinct from ${MARK}`
const HANDLER = `(job.data ->> 'handler')`
const IN_ORDER = 'job.priority desc, job.created_on'

export function setAsideIndex(table: string, suffix: string): string {
  return `create index if not exists "postbus_set_aside_${suffix}" on ${table}
    ((data ->> 'handler'), priority desc, created_on) where blocked and group_tier = ${MARK} and state < 'active'`
}

/** Sets the locked rows of the array `rows` aside. Null, which an array begins as, costs no statement. */
export function settingAside({ table }: QueueParts, rows: string): string {
  return `if ${rows} is not null then
      update ${table} job set blocked = true, group_tier = ${MARK} from unnest(${rows}) as late (row)
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

/**
 * Fills `handlers` and `free` from `limits`. Claims that carry a limit for the whole cluster take turns, so that what one
 * counts is still true when it claims; the later statement has a new snapshot.
 */
export function readingLimits({ tables, queue }: QueueParts): string {
  const base = baseQueue(queue)
  // Each in the order of the index of what is active: ours in a queue without keys, pg-boss's in a partitioned one.
  const active = (name: string, and: string) => `select from ${tables.job} job
          where job.name = '${name}' and job.state = 'active' ${and}
            and ${HANDLER} = limited.handler and limited.cluster is not null`
  return `if limits is not null then
    if jsonb_path_exists(limits, '$[*].cluster ? (@ != null)') then
      perform pg_advisory_xact_lock(hashtextextended('postbus limits ${tables.names.pgboss} ${base}', 0));
    end if;
    select array_agg(limited.handler), array_agg(greatest(0, least(limited.free, limited.cluster - active.count, wanted)))
    into handlers, free
    from jsonb_to_recordset(limits) as limited (handler text, free integer, cluster integer)
    left join lateral (
      select count(*)::integer as count from (
        (${active(base, '')} order by job.heartbeat_on limit limited.cluster)
        union all
        (${active(partitionedQueue(base), `and job.policy = 'singleton'`)}
          order by job.name, coalesce(job.singleton_key, '') limit limited.cluster)
      ) of_handler
    ) active on limited.cluster is not null;
  end if;`
}

/** Whether anything is set aside at all, as `found`: one probe of an index that is empty while no limit is reached. */
export function probing({ table }: QueueParts): string {
  return `perform from ${table} job where ${SET_ASIDE} order by ${HANDLER} limit 1;`
}

/** Appends `row` to `chosen`, and counts its handler; or to `aside` when its handler has no slot left. */
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

/**
 * Locks what was set aside and may run now: of each handler up to its free slots, and of all together those that come
 * before what waits at the front of the queue (or, without `against_front`, as many as are wanted). Answers a row for each,
 * and at least one for each handler that has anything set aside: `held_back` if its free slots are used up, `passed_over` if
 * the front comes before.
 */
export function setAsideFunction(parts: QueueParts): string {
  const { table, tables, queue } = parts
  const due = `job.start_after <= ${tables.jobNow}`
  const oneOf = (handler: string) => `${SET_ASIDE} and ${HANDLER} = ${handler} and ${due}
        order by ${HANDLER}, ${IN_ORDER}`
  return `
create or replace function ${functionName(parts, 'set_aside')}(
  wanted integer, handlers text[], free integer[], against_front boolean
) returns table (handler text, "row" tid, id uuid, lane text, held_back boolean, passed_over boolean)
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
begin
  return query
    with recursive waiting as (
      (select ${HANDLER} as handler from ${table} job where ${SET_ASIDE} order by ${HANDLER} limit 1)
      union all
      select following.handler from waiting cross join lateral (
        select ${HANDLER} as handler from ${table} job where ${SET_ASIDE} and ${HANDLER} > waiting.handler
        order by ${HANDLER} limit 1
      ) following
    ), room as materialized (
      select waiting.handler, least(wanted, coalesce(free[array_position(handlers, waiting.handler)], wanted)) as free
      from waiting
    ), fitting as materialized (
      select room.handler, one.priority, one.created_on from room cross join lateral (
        select job.priority, job.created_on from ${table} job where ${oneOf('room.handler')}
        limit room.free
      ) one
    ), front as materialized (
      select job.priority, job.created_on from ${table} job
      where job.name = '${queue}' and job.state < 'active' and not job.blocked and ${due}
      order by job.name, ${IN_ORDER}
      limit case when against_front and exists (select from fitting) then wanted else 0 end
    ), first as materialized (
      select * from (select * from fitting union all select null, front.* from front) both_kinds
      order by both_kinds.priority desc, both_kinds.created_on
      limit wanted
    ), share as materialized (
      select room.handler, room.free,
        (select count(*) from first where first.handler = room.handler) as count,
        (select count(*) from fitting where fitting.handler = room.handler) as fitting
      from room
    )
    select share.handler, taken.row, taken.id, taken.singleton_key, share.free <= share.count, share.count < share.fitting
    from share left join lateral (
      select job.ctid as row, job.id, job.singleton_key from ${table} job where ${oneOf('share.handler')}
      limit share.count
      for update skip locked
    ) taken on true;
end
$function$`
}
