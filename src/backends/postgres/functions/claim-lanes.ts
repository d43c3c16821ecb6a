/**
 * The function that claims from a partitioned queue.
 *
 *   candidates, in queue order, locked
 *       │
 *       ├─ an older live delivery in its lane, or one that runs ──► park it, while holding that one
 *       └─ neither ──► claim it
 *
 * A parked delivery leaves the index that candidates are found by, so each is looked at once, whatever the backlog. It is
 * parked only while the delivery it waits for is held: that one's settle then waits for this claim, and afterwards sees
 * whom to promote. Without the hold, a delivery could be parked behind one that has just ended, and wait for ever.
 *
 * Claims of a queue take turns. Two at once could see the same lane idle, one of them without, and the other with, the
 * event of a transaction that has just committed late, and start two different deliveries of it.
 *
 * When the front of the queue is one busy lane's backlog, the rest of the slots is filled by walking from lane to lane.
 */
import {
  activated,
  byId,
  DELIVERY,
  DELIVERY_COLUMNS,
  FIXED_PLAN,
  functionName,
  headOf,
  itsEvent,
  NO_DELIVERY,
  QUEUE_ORDER,
  runningIn,
  type QueueParts,
} from './sql.ts'

/** Looks at a few candidates more than are wanted, so that small claims get past a backlog too. */
const LOOK_AT_LEAST = 10
/** How many lanes a walk visits for each slot that it is to fill. */
const VISITS_PER_SLOT = 4

export function claimLanesFunction(parts: QueueParts): string {
  const { table, tables, queue } = parts
  const claimed = (rows: string) => `
    return query
      with ${activated(parts, rows)}
      select ${DELIVERY}, null::boolean, null::text from activated ${itsEvent(parts)} ${QUEUE_ORDER};`
  return `
create or replace function ${functionName(parts, 'claim')}(wanted integer, walk_from text) returns table (${DELIVERY_COLUMNS},
    more boolean, walk_on text
) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  look integer := greatest(wanted, ${LOOK_AT_LEAST});
  candidates tid[];
  ids uuid[];
  lanes text[];
  heads tid[];
  parked integer := 0;
  missing integer;
  visited integer;
  more boolean;
begin
  perform pg_advisory_xact_lock(hashtextextended('postbus claim ${tables.names.pgboss} ${queue}', 0));

  select array_agg(candidate.row), array_agg(candidate.id), array_agg(candidate.singleton_key)
  into candidates, ids, lanes
  from (
    select job.ctid as row, job.id, job.singleton_key from ${table} job
    where job.name = '${queue}' and job.state < 'active' and not job.blocked and job.start_after <= ${tables.jobNow}
      and job.singleton_key is not null
    order by job.name, job.priority desc, job.created_on
    limit look
    for update skip locked
  ) candidate;

  if candidates is not null then
    with judged as materialized (
      select candidate.row, coalesce(older.id, running.id) as blocker
      from unnest(candidates, ids, lanes) as candidate (row, id, lane)
      left join lateral (${headOf(parts, 'candidate.lane', 'job.id')}
      ) older on older.id < candidate.id
      left join lateral (${runningIn(parts, 'candidate.lane')}
      ) running on running.lane = candidate.lane
    ), waiting as materialized (
      select judged.row from judged cross join lateral (
        ${byId(parts, 'judged.blocker', '1')} and job.state::text in ('created', 'retry', 'active') for share skip locked
      ) held
    ), parked as (
      update ${table} job set blocked = true from waiting where job.ctid = waiting.row returning 1
    )
    select array_agg(judged.row) filter (where judged.blocker is null), (select count(*) from parked)
    into heads, parked from judged;
    ${claimed('heads[1:wanted]')}
  end if;

  missing := wanted - coalesce(cardinality(heads), 0);
  -- Candidates that could be neither claimed nor parked are not looked at again at once: someone holds what they wait for.
  more := missing < 0 or coalesce(cardinality(candidates) = look, false) and (heads is not null or parked > 0);
  if missing > 0 and cardinality(candidates) = look then
    select array_agg(head.row), max(walked.lane), count(*)
    into heads, walk_from, visited
    from ${functionName(parts, 'walk')}(walk_from, ${VISITS_PER_SLOT} * missing) walked
    left join lateral (
      ${byId(parts, 'walked.id', 'job.ctid as row')} and job.state::text in ('created', 'retry')
        and job.start_after <= ${tables.jobNow}
      for update skip locked
    ) head on walked.idle;
    if visited < ${VISITS_PER_SLOT} * missing then walk_from := ''; end if;
    heads := array_remove(heads, null);
    ${claimed('heads[1:missing]')}
  end if;

  return query select ${NO_DELIVERY}, more, walk_from;
end
$function$`
}

/** Visits lanes in the order of their keys, behind `after`: one probe for each, whatever waits in it. */
export function walkFunction(parts: QueueParts): string {
  const { table } = parts
  const next = (key: string) => `(
      select job.id, job.singleton_key, job.state, job.blocked from ${table} job
      where job.state < 'completed' and job.singleton_key > ${key}
      order by job.singleton_key, job.id limit 1
    )`
  return `
create or replace function ${functionName(parts, 'walk')}(after text, visits integer)
returns table (lane text, id uuid, idle boolean, blocked boolean) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
begin
  return query
    with recursive head as (
      ${next('after')}
      union all
      select following.* from head cross join lateral ${next('head.singleton_key')} following
    ), visited as materialized (
      select * from head limit visits
    )
    select visited.singleton_key, visited.id, visited.state < 'active' and running.lane is null, visited.blocked
    from visited
    left join lateral (${runningIn(parts, 'visited.singleton_key')}
    ) running on running.lane = visited.singleton_key;
end
$function$`
}
