/**
 * The function that takes claims from workers that are silent, in all queues. It frees a claim whose heartbeat is still the one
 * that the caller saw at an earlier look. The caller measures the time between its looks with its own clock: see
 * `worker/recovery.ts`. The server's clock only tells which heartbeats are recent and need no look. A heartbeat from the future needs one.
 *
 *   watched   seen before; looked for by their ids. Those that are `lost` are freed. Without a `beat`: the caller's own claim,
 *             which it gives up
 *   recent    silent for longer than `silent_seconds`, and for less than `since_seconds`; null: for any time
 *
 * A freed delivery gets an error. The next claim, which knows the handler, decides whether that was the last attempt. Deliveries that
 * were claimed together begin one after the other, and any of them may have killed the process. So if several of a claim are freed,
 * the error says that it is not known whether the attempt had begun. If only one is left of its claim, its attempt had begun (see
 * `lostOf`). The heartbeat stays in the row: it says that the claim was taken over, and not ended (see `isClaimed`).
 *
 * A lock or a slow server can delay the heartbeats of living workers. It would delay this call too. So this call waits for no
 * lock. If a lock is in its way, or if it comes late itself, it says that it was delayed, and frees nothing. A locked row counts as
 * not seen.
 *
 * While any session has an old snapshot open, a look at all heartbeats has to step over all that has finished. So a worker takes such
 * a look only once a minute.
 */
import type { Tables } from '../schema/tables.ts'
import { ACTIVE, attemptOf, byId, claimOf, FIXED_PLAN, functionName, lostOf, withError } from './sql.ts'

/** One look returns up to this many. What a large worker has left behind is freed in several looks. */
const MOST_SILENT = 2_000
/** A call that comes longer than this after the worker's last look is late. While a worker watches claims, it looks every second. */
const LONGEST_PAUSE_SECONDS = 5

export function recoverFunction(tables: Tables): string {
  const { channel, clock, delivery } = tables
  const itsError = `error || jsonb_build_object('attempt', ${attemptOf('job')} + ${lostOf('job')},
      'lost', ${lostOf('job')} + (not silent.has_begun)::integer, 'begun', silent.has_begun)`
  const isUnmoved = `${claimOf('job')} = seen.claim and coalesce(${beatOf('job')} = seen.beat, true) and job.state::text = 'active'`
  const seen = { queue: 'seen.queue', id: 'seen.id' }
  const watched = `unnest(queues, ids, claims, beats, lost) as seen (queue, id, claim, beat, is_lost)`
  const columns = `job.name, job.id, ${claimOf('job')} as claim, ${beatOf('job')} as beat`
  const silent = (
    heartbeat: string,
  ) => `select found.name, null::integer, found.id, found.claim, found.beat, null::boolean, null::float8
    from (
      select ${columns} from ${delivery} job where ${ACTIVE} and ${heartbeat}
      order by job.heartbeat_on limit ${MOST_SILENT} for share skip locked
    ) found`
  return `
create or replace function ${functionName(tables, 'recover_silent')}(
  queues text[], ids uuid[], claims bigint[], beats bigint[], lost boolean[],
  looked_at float8, silent_seconds float8, since_seconds float8, error jsonb
) returns table (queue text, taken integer, id uuid, claim bigint, beat bigint, delayed boolean, seen_at float8)
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  began float8 := extract(epoch from ${clock});
  is_delayed boolean;
  freed tid[];
  freed_queues text[];
  lanes text[];
  claimed_on timestamptz[];
  now_at timestamptz;
  one text;
begin
  begin
    lock table ${delivery} in row exclusive mode nowait;
  exception when lock_not_available then
    return query select null::text, null::integer, null::uuid, null::bigint, null::bigint, true, began;
    return;
  end;
  is_delayed := coalesce(began not between looked_at and looked_at + ${LONGEST_PAUSE_SECONDS}, false);
  return query select null::text, null::integer, null::uuid, null::bigint, null::bigint, is_delayed, began;

  if not is_delayed and true = any(lost) then
    select array_agg(job.row), array_agg(seen.queue), array_agg(job.lane), array_agg(job.started_on)
    into freed, freed_queues, lanes, claimed_on
    from ${watched}
    cross join lateral (
      ${byId(tables, seen, 'job.ctid as row, job.singleton_key as lane, job.started_on')} and ${isUnmoved} for update skip locked
    ) job
    where seen.is_lost;
    update ${delivery} job set
      state = 'retry',
      start_after = ${clock},
      output = ${withError('job.output', `(${itsError})`)}
    from (
      select one.row, count(*) over (partition by one.queue, one.claimed_on) = 1 as has_begun
      from unnest(freed, freed_queues, claimed_on) as one (row, queue, claimed_on)
    ) silent
    where job.ctid = silent.row;
    for one in select distinct silent.queue from unnest(freed_queues) silent (queue) loop
      perform ${functionName(tables, 'promote')}(one, (
        select array_agg(silent.lane) from unnest(freed_queues, lanes) silent (queue, lane)
        where silent.queue = one and silent.lane is not null
      ));
      perform pg_notify('${channel}', one);
    end loop;
    return query select silent.queue, count(*)::integer, null::uuid, null::bigint, null::bigint, null::boolean, null::float8
      from unnest(freed_queues) silent (queue) group by 1;
  end if;

  return query select seen.queue, null::integer, seen.id, seen.claim, seen.beat, null::boolean, null::float8
    from ${watched}
    cross join lateral (${byId(tables, seen, '1')} and ${isUnmoved} for share skip locked) job
    where not seen.is_lost;
  -- A bound that calls the clock is no bound of an index scan.
  now_at := ${clock};
  return query ${silent(`job.heartbeat_on < now_at - silent_seconds * interval '1 s'
      and job.heartbeat_on >= coalesce(now_at - since_seconds * interval '1 s', '-infinity')`)};
  return query ${silent(`job.heartbeat_on > now_at + silent_seconds * interval '1 s'`)};
end
$function$`
}

/** SQL: a heartbeat, to the microsecond. No two heartbeats of a claim are the same. */
function beatOf(job: string): string {
  return `(extract(epoch from ${job}.heartbeat_on) * 1000000)::bigint`
}
