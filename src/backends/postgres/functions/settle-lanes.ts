/**
 * The function that ends attempts in a partitioned queue, a group of them at once. What can become of an attempt is in `settle.ts`;
 * what that means for its lane is here.
 *
 * A worker holds a run (`runs.ts`). As its deliveries end, the claim moves along:
 *
 *   first ● done    ● done    ● runs now, or has failed    ○ not begun    ○
 *         deleted   deleted   active, by the same claim
 *
 * So a worker begins the next delivery without asking, and ends many in one round trip. If the claim of the first delivery was
 * lost, the attempts of the later ones do not count. No delivery of a run was tried before, so they all have the same claim number. So a settle whose
 * answer was lost can be sent again: it finds the claim where the first settle has moved it.
 *
 * If an older delivery of the lane was committed late or has come back, or if the lane is paused (`pauses.ts`), the run is cut: the
 * worker begins no more of it, and the older delivery is next.
 *
 * When a run ends, the head of its lane is next. It is looked up in the same transaction, but in a later statement, whose snapshot
 * sees what was published and parked meanwhile. The head is claimed for the same worker, together with the deliveries behind it. There
 * are two exceptions: the worker wants to leave it to others (`ends_run`), or the head's last claim was lost, so that it may have to
 * run alone. Then it is promoted if it was parked.
 */
import { handlerOfLane } from '../../../deliveries/lane-key.ts'
import type { Tables } from '../schema/tables.ts'
import { HISTORY_VARIABLES, writingHistory } from './history.ts'
import { headOf } from './lane-rows.ts'
import { isPaused, PAUSE_VARIABLES, readingPauses } from './pauses.ts'
import { promoting } from './promote.ts'
import { behind, runsOf } from './runs.ts'
import { beginningToEnd, ended, endingOthers } from './settle.ts'
import { tellingOfEnds } from './watch.ts'
import { finishing } from './finish.ts'
import {
  activatedInOrder,
  byId,
  claimOf,
  DELIVERY,
  DELIVERY_COLUMNS,
  FIXED_PLAN,
  functionName,
  isClaimed,
  itsEvent,
  NO_DELIVERY,
  wasLost,
} from './sql.ts'

/**
 *   done      the first deliveries of runs; most runs have only one
 *   runs      for each of these, by its id: `claim`, and `took`, the milliseconds that it took. For a run of several also: `later`, the
 *             deliveries that were done after it, with their milliseconds; `to`, the delivery that the claim moves to, if the run goes
 *             on; `known`, the last delivery of the run that the worker knows; and `more`, how many more it may get
 *   ends_run  deliveries after which no next one is wanted. After the others, the next one comes with up to `behind` more
 *   shadows   handlers whose data does not come with their deliveries: see `sizes.ts`
 *
 * `runs` has objects, and not rows to join, so that a look-up of many ids stays one search of the primary key.
 */
const TAKES = `of_queue text, done uuid[], runs jsonb, others jsonb, ends_run uuid[], behind integer, shadows text[]`

export function settleLanesFunction(tables: Tables): string {
  const { clock, delivery } = tables
  // By the clock: what was published since this transaction began is due, though its now() is older.
  const due = `head.state < 'active' and head.start_after <= ${clock}`
  const isLeft = `(ended.id = any(ends_run) or head.was_lost)`
  const taken = `${due} and not ${isLeft} and not ${isPaused(tables, 'ended.lane')}`
  const began = (took: string) => `coalesce(${clock} - (${took})::integer * interval '1 ms', job.started_on)`
  const headOfLane = (lane: string, columns: string) => headOf(tables, { queue: 'of_queue', lane }, columns)
  const target = byId(tables, { queue: 'of_queue', id: 'run.target' }, 'job.singleton_key, job.started_on')
  const ofRun = 'runs -> job.id::text'
  const run = 'run (id, lane, claimed_on, target, known, more)'
  const allRuns = 'unnest(ours, lanes, claimed_on, targets, last_known, room)'
  return `
create or replace function ${functionName(tables, 'settle_lanes_2')}(
  ${TAKES}
) returns table (settled uuid, more boolean, cut boolean, ${DELIVERY_COLUMNS}
) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  ours uuid[];
  lanes text[];
  claimed_on timestamptz[];
  targets uuid[];
  last_known uuid[];
  room integer[];
  later jsonb;
  others_ended uuid[];
  following jsonb;
  left_ids uuid[];
  left_lanes text[];
  taken tid[];
  promoted tid[];
  more boolean;${HISTORY_VARIABLES}${PAUSE_VARIABLES}
begin
  ${beginningToEnd(tables)}
  if done <> '{}' then
    with first as (
      delete from ${delivery} job
      where job.name = of_queue and job.id = any(done) and ${claimOf('job')} = (${ofRun} ->> 'claim')::bigint
        and ${isClaimed('job')}
      returning ${ended(began(`${ofRun} ->> 'took'`))}, job.started_on as claimed_on, ${ofRun} as run
    ), ${writingHistory(tables, 'first')}
    select array_agg(first.id), array_agg(first.singleton_key), array_agg(first.claimed_on),
      array_agg((first.run ->> 'to')::uuid), array_agg((first.run ->> 'known')::uuid), array_agg((first.run ->> 'more')::integer),
      (select jsonb_object_agg(one.key, one.value) from first cross join lateral jsonb_each(first.run -> 'later') one)
    into ours, lanes, claimed_on, targets, last_known, room, later from first;
  end if;

  if later is not null then
    with ended as (
      delete from ${delivery} job
      where job.name = of_queue and job.id = any(array(select jsonb_object_keys(later)::uuid))
        and job.state::text in ('created', 'retry')
      returning ${ended(began('later ->> job.id::text'))}
    ), ${writingHistory(tables, 'ended')}
    select array_agg(ended.id) into others_ended from ended;
  end if;

  if coalesce(cardinality(ours), 0) < cardinality(done) then
    -- A settle whose answer was lost has moved the claim already.
    select ours || array_agg(run.id), lanes || array_agg(moved.singleton_key), claimed_on || array_agg(moved.started_on),
      targets || array_agg(run.target), last_known || array_agg(run.known), room || array_agg(run.more)
    into ours, lanes, claimed_on, targets, last_known, room
    from (
      select one.id, (runs -> one.id::text ->> 'claim')::bigint as claim, (runs -> one.id::text ->> 'to')::uuid as target,
        (runs -> one.id::text ->> 'known')::uuid as known, (runs -> one.id::text ->> 'more')::integer as more
      from unnest(done) as one (id)
    ) run
    cross join lateral (${target} and ${claimOf('job')} = run.claim and job.state::text = 'active' offset 0) moved
    where not run.id = any(coalesce(ours, '{}'));
  end if;

  if array_remove(targets, null) <> '{}' then
    following := (select jsonb_object_agg(run.target, run.claimed_on) from ${allRuns} as ${run} where run.target is not null);
    update ${delivery} job set state = 'active', blocked = false, heartbeat_on = ${clock},
      started_on = (following ->> job.id::text)::timestamptz
    where job.name = of_queue and job.id = any(targets) and job.state::text in ('created', 'retry');
  end if;
  ${endingOthers(tables, 'select array_agg(ended.id), array_agg(ended.singleton_key) into left_ids, left_lanes from ended')}
  ${tellingOfEnds(tables, 'ours || others_ended || left_ids')}
  ${finishing(tables, 'ours || others_ended || left_ids')}
  select left_ids || array_agg(run.id), left_lanes || array_agg(run.lane) into left_ids, left_lanes
  from ${allRuns} as ${run} where run.target is null;

  ${readingPauses(tables)}
  select
    array_agg(case when ${taken} then head.row end),
    array_remove(array_agg(case when head.blocked and not (${taken}) then head.row end), null),
    coalesce(bool_or(${due} and ${isLeft}), false)
  into taken, promoted, more
  from unnest(left_ids, left_lanes) as ended (id, lane)
  left join lateral (
    ${headOfLane('ended.lane', `job.ctid as row, job.state, job.blocked, job.start_after, ${wasLost('job')} as was_lost`)} for update
  ) head on true;

  if promoted <> '{}' then
    ${promoting(tables, 'job.ctid = any(promoted)')}
  end if;

  if array_remove(room, null) <> '{}' then
    return query
      with run as materialized (
        select run.*, head.id is distinct from run.target or ${isPaused(tables, 'run.lane')} as cut from ${allRuns} as ${run}
        left join lateral (${headOfLane('run.lane', 'job.id')}) head on true
        where run.more is not null
      ), activated as (
        select run.id as settled, run.cut, null::uuid as id, null::text as handler, null::bigint as claim, null::integer as attempt,
          null::text as replay, null::jsonb as awaited
        from run
        union all
        select run.id, run.cut, follower.id, ${handlerOfLane('run.lane')}, null, 1, follower.replay, null
        from run cross join lateral (
          ${behind(tables, { lane: 'run.lane', last: 'run.known', count: 'run.more' })}
        ) follower
        where not run.cut
      )
      select activated.settled, more, activated.cut, ${DELIVERY} from activated ${itsEvent(tables)};
  end if;
  if left_ids is null then return; end if;

  if array_remove(taken, null) <> '{}' then
    return query
      with ${activatedInOrder(tables, 'taken', 'head')}, ${runsOf(tables, 'head', ['ord'])}
      select left_ids[activated.ord], more, false, ${DELIVERY} from activated ${itsEvent(tables)}
      order by activated.ord, activated.id;
  end if;
  return query
    select ended.id, more, false, ${NO_DELIVERY} from unnest(left_ids, taken) as ended (id, taken) where ended.taken is null;
end
$function$`
}
