/**
 * The function that promotes heads which no settle would promote: the delivery that they were parked behind was deleted or changed by
 * hand. Deliveries that are set aside stay as they are, because claims find them. What is parked behind a pause stays, too. One call
 * visits a limited number of lanes, of all queues, and the next ones at the next call. If several callers come within a short time, only one
 * works.
 *
 * While any session has an old snapshot open, a visit steps over all that has finished in the lane. So the next call that works comes
 * only when 50 times as long has passed as this one took, and at most a minute. A call that comes with 0 seconds works at once.
 */
import type { Tables } from '../schema/tables.ts'
import { runningIn } from './lane-rows.ts'
import { isLanePaused } from './pauses.ts'
import { promoting } from './promote.ts'
import { byId, FIXED_PLAN, functionName, LIVE_IN_LANE, NOT_SET_ASIDE } from './sql.ts'

const PAUSE_PER_WORK = 50
const LONGEST_PAUSE = `interval '1 minute'`

export function sweepFunction(tables: Tables): string {
  const { channel, delivery, laneSweep } = tables
  const next = (queue: string, lane: string) => `(
      select job.name, hashtext(job.name) as queue, job.singleton_key, job.id, job.state, job.blocked from ${delivery} job
      where (hashtext(job.name), job.singleton_key) > (${queue}, ${lane}) and ${LIVE_IN_LANE}
      order by hashtext(job.name), job.singleton_key, job.id limit 1
    )`
  const visited = { queue: 'visited.name', lane: 'visited.singleton_key' }
  return `
create or replace function ${functionName(tables, 'sweep')}(visits integer, every_seconds float8) returns integer
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  began timestamptz;
  place record;
  visited integer;
  last_queue integer;
  last_lane text;
  ids uuid[];
  names text[];
  orphans tid[];
  one text;
begin
  update ${laneSweep} sweep set swept_at = clock_timestamp()
  where sweep.only_one and (every_seconds = 0 or sweep.swept_at <= clock_timestamp() - every_seconds * interval '1 s')
  returning sweep.after_queue, sweep.after_lane into place;
  if not found then return 0; end if;
  began := clock_timestamp();

  with recursive head as (
    ${next('place.after_queue', 'place.after_lane')}
    union all
    select following.* from head cross join lateral ${next('head.queue', 'head.singleton_key')} following
  ), visited as materialized (
    select * from head limit visits
  )
  select count(*), (array_agg(visited.queue))[count(*)], (array_agg(visited.singleton_key))[count(*)],
    array_agg(visited.id) filter (where visited.blocked and visited.state < 'active' and running.id is null),
    array_agg(visited.name) filter (where visited.blocked and visited.state < 'active' and running.id is null)
  into visited, last_queue, last_lane, ids, names
  from visited
  left join lateral (${runningIn(tables, visited)}
  ) running on true;
  update ${laneSweep} sweep set
    after_queue = case when visited < visits then -2147483648 else last_queue end,
    after_lane = case when visited < visits then '' else last_lane end,
    swept_at = began + least(${PAUSE_PER_WORK} * (clock_timestamp() - began), ${LONGEST_PAUSE})
  where sweep.only_one;

  select array_agg(orphan.row), array_agg(distinct orphan.name) into orphans, names
  from unnest(names, ids) as found (name, id)
  cross join lateral (${byId(tables, { queue: 'found.name', id: 'found.id' }, 'job.ctid as row, job.name')}
    and job.blocked and ${NOT_SET_ASIDE} and not ${isLanePaused(tables, 'job.singleton_key')}
    for update skip locked
  ) orphan;
  if orphans is null then return 0; end if;
  ${promoting(tables, 'job.ctid = orphan.row', 'from unnest(orphans) as orphan (row)')}
  foreach one in array names loop
    perform pg_notify('${channel}', one);
  end loop;
  return cardinality(orphans);
end
$function$`
}
