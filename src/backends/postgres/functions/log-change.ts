/**
 * The functions that take a handler from deliveries to the log, back, or to another number of shards, while publishers and workers go on.
 * The row of `log_handler` decides how it gets an event (`mode`), and publishers ask for that; code only says what is wanted.
 *
 *   job    a publisher writes a delivery
 *   held   it writes one that is held; the reader of the log lets it in when its turn has come (`log/held-jobs.ts`)
 *   log    it writes nothing
 *
 * `held` stands between the other two, in both directions. So what is published at the same moment in two modes keeps its order: a job and a
 * held one lie in the same lane, and a held one waits for what is read before it.
 *
 *   job ──► held ──► log    cursors begin where the first of it was published
 *   log ──► held ──► job    readers go on to the end of it, and let go
 *
 * Each change of the mode is in steps, each of which may be done by any worker, and is done once (`for update`):
 *
 *   preparing   (job ──► held) cursors begin where all is final: each later event that has a delivery is read, so its key is known
 *               to be in its lane
 *   telling     (log ──► held) every reader has to know of it first: it has beaten three times since, or is gone
 *   announcing  the mode is committed. Now the epoch is raised, which publishers see at once, in whatever snapshot
 *   waiting     for all transactions of that moment: they may have published in the former mode
 *   reading     what may have a delivery of its publisher ends at a number that is known now: cursors have to pass it
 *
 * From `zone_from` to `zone_to` an event may have a delivery of its publisher, or none: readers ask for each (`log/delivered.ts`).
 *
 * Another number of shards: readers let go of all shards (`releasing`), and new cursors begin at the least of the old places. Up to which
 * number the old ones had come is kept in `floors`, until all have passed them.
 */
import type { Tables } from '../schema/tables.ts'
import { LAST, LOCK, NEXT, raiseFunction, wantFunction } from './log-want.ts'
import { functionName, HANDLER, HELD, OWN_PATH, RETURNING } from './sql.ts'

export function logChangeFunctions(tables: Tables): readonly string[] {
  return [wantFunction(tables), raiseFunction(tables), admitAllFunction(tables), changeFunction(tables)]
}

/** Makes what is held of a handler due. */
function admitAllFunction(tables: Tables): string {
  const { channel, delivery, ownQueue } = tables
  return `
create or replace function ${functionName(tables, 'log_admit_all')}(of_handler text, after_seq bigint) returns integer language plpgsql ${OWN_PATH} as $function$
declare
  found_queues text[];
  one text;
  counted integer;
begin
  with held as (
    select job.ctid as row from ${ownQueue} own cross join lateral (
      select job.ctid, job.data from ${delivery} job where ${RETURNING} and job.name = own.name and job.start_after = ${HELD}
        and ${tables.seqOfDelivery}(job.id) > after_seq offset 0
    ) job where ${HANDLER} = of_handler
  ), admitted as (
    update ${delivery} job set start_after = ${tables.clock} where job.ctid = any(array(select held.row from held)) and job.start_after = ${HELD}
    returning job.name
  )
  select array_agg(distinct admitted.name), count(*) into found_queues, counted from admitted;
  foreach one in array coalesce(found_queues, '{}') loop
    perform pg_notify('${channel}', one);
  end loop;
  return counted;
end
$function$`
}

/** Who reads for the handler, with the count of its beats. */
const READERS = ({ logReader }: Tables) =>
  `(select coalesce(jsonb_object_agg(one.id, one.beat), '{}') from ${logReader} one where of_handler = any(one.handlers))`

/** All transactions of this database, prepared ones too: those have no process, and after a restart of the server names that begin with -1. */
const RUNNING = `(select coalesce(array_agg(distinct lock.virtualtransaction), '{}') from pg_locks lock
      left join pg_stat_activity activity on activity.pid = lock.pid
      where lock.pid is distinct from pg_backend_pid() and (
        lock.locktype = 'virtualxid' and activity.backend_type is distinct from 'autovacuum worker'
        and activity.datid = (select one.oid from pg_database one where one.datname = current_database())
        or lock.pid is null
      ))`

const ARE_OVER = `not (now_is.waits_for && ${RUNNING}) and not exists (select from pg_locks lock where lock.virtualtransaction like '-1/%')`

/** Takes the next step, if its time has come. Returns what was done; null: nothing. */
function changeFunction(tables: Tables): string {
  const { backfill, logCursor, logHandler, logReader } = tables
  const set = (what: string) =>
    `update ${logHandler} one set phase_since = clock_timestamp(), ${what} where one.handler = of_handler;`
  const mode = (which: 'job' | 'held' | 'log', more = '') =>
    set(`mode = '${which}', epoch = ${NEXT(tables)}, phase = 'announcing', waits_for = null${more}`)
  return `
create or replace function ${functionName(tables, 'log_change')}(of_handler text) returns text language plpgsql ${OWN_PATH} as $function$
#variable_conflict use_column
declare
  now_is record;
  last bigint;
  places bigint[];
  least_place bigint;
  top_fence bigint;
  is_read boolean;
begin
  ${LOCK(tables)};
  perform from ${logHandler} one where one.handler = of_handler and not one.is_forgotten for update skip locked;
  if not found then return null; end if;
  select one.*, coalesce(one.wanted_shards, one.shards) as new_shards into now_is from ${logHandler} one where one.handler = of_handler;
  last := ${LAST(tables)};
  select array_agg(one.position order by one.shard), min(one.position), max(one.fence), bool_or(one.owner is not null)
  into places, least_place, top_fence, is_read
  from ${logCursor} one where one.handler = of_handler;

  if now_is.floors is not null and least_place >= (select max(one.floor) from unnest(now_is.floors) as one (floor)) then
    update ${logHandler} one set floors = null where one.handler = of_handler;
    now_is.floors := null;
  end if;

  case coalesce(now_is.phase, 'none')
  when 'none' then
    if now_is.wanted <> now_is.mode then
      if exists (select from ${backfill} one where one.handler = of_handler and one.ended_at is null) then return null; end if;
      if now_is.mode = 'job' then
        ${set(`phase = 'preparing', zone_from = last, waits_for = ${RUNNING}`)}
        return 'what was published before is to be final';
      end if;
      ${set(`phase = 'telling', told = ${READERS(tables)}, zone_from = last, zone_to = null`)}
      return 'readers are to look for deliveries';
    elsif now_is.mode = 'log' and now_is.new_shards <> now_is.shards and now_is.floors is null then
      ${set(`phase = 'releasing'`)}
      return 'readers are to let go of their shards';
    end if;

  when 'preparing' then
    if now_is.wanted = 'job' then
      ${set('phase = null, zone_from = null, waits_for = null')}
      perform ${functionName(tables, 'log_admit_all')}(of_handler, 0);
      return 'it goes on as before';
    end if;
    if not (${ARE_OVER}) then return null; end if;
    delete from ${logCursor} one where one.handler = of_handler;
    insert into ${logCursor} (handler, shard, position)
    select of_handler, shard, now_is.zone_from from generate_series(0, now_is.new_shards - 1) shard;
    ${mode(
      'held',
      `, shards = now_is.new_shards, wanted_shards = null, history_to = one.zone_from, zone_to = null, ends_at = null,
      floors = null, began_at = clock_timestamp()`,
    )}
    return 'publishers are to hold deliveries';

  when 'telling' then
    if not exists (
      select from ${logReader} one
      where of_handler = any(one.handlers) and one.beat < coalesce((now_is.told ->> one.id::text)::bigint, 0) + 3
    ) then
      ${mode('held', ', told = null')}
      return 'publishers are to hold deliveries';
    end if;

  when 'announcing' then
    perform ${functionName(tables, 'raise_delivery_epoch')}();
    ${set(`phase = 'waiting', waits_for = ${RUNNING}`)}
    return 'publishers were told';

  when 'waiting' then
    if now_is.mode = 'job' then perform ${functionName(tables, 'log_admit_all')}(of_handler, 0); end if;
    if not (${ARE_OVER}) then return null; end if;
    if now_is.mode = 'job' then
      perform ${functionName(tables, 'log_admit_all')}(of_handler, 0); -- what was committed since the first look
      ${set('phase = null, waits_for = null, zone_from = null, zone_to = null, ends_at = null, floors = null, wanted_shards = null')}
      return 'it has deliveries';
    elsif now_is.mode = 'log' then
      ${set(`phase = 'reading', waits_for = null, zone_to = last`)}
      return 'publishers write no deliveries any more';
    elsif now_is.wanted = 'log' then
      ${mode('log')}
      return 'publishers are to write no deliveries';
    end if;
    ${set(`phase = 'reading', waits_for = null, ends_at = last`)}
    return 'readers are to end';

  when 'reading' then
    if now_is.mode = 'log' and now_is.wanted = 'job' then
      ${set(`phase = 'telling', told = ${READERS(tables)}, zone_to = null`)}
      return 'readers are to look for deliveries';
    elsif now_is.mode = 'log' and least_place >= now_is.zone_to then
      ${set('phase = null, zone_from = null, zone_to = null')}
      return 'it reads the log';
    elsif now_is.mode = 'held' and now_is.wanted = 'log' then
      ${mode('log', ', ends_at = null')}
      return 'publishers are to write no deliveries';
    elsif now_is.mode = 'held' and least_place >= now_is.ends_at then
      perform ${functionName(tables, 'log_admit_all')}(of_handler, now_is.ends_at); -- what still runs of the log lies before it, in its lanes
      if is_read then return null; end if;
      delete from ${logCursor} one where one.handler = of_handler;
      ${mode('job', `, eras = one.eras + int8multirange(int8range(one.history_to, greatest(one.history_to, one.ends_at), '(]'))`)}
      return 'publishers are to write deliveries';
    end if;

  when 'releasing' then
    if not is_read then
      delete from ${logCursor} one where one.handler = of_handler;
      insert into ${logCursor} (handler, shard, position, fence)
      select of_handler, shard, least_place, top_fence from generate_series(0, now_is.new_shards - 1) shard;
      ${set(`phase = null, shards = now_is.new_shards, wanted_shards = null, floors = places`)}
      return 'it is divided anew';
    end if;
  end case;
  return null;
end
$function$`
}
