/**
 * The functions that move a handler from deliveries to the log, back, or to another number of shards, while publishers and workers run.
 * `log_handler.mode` says how the handler gets an event, and publishers follow it. Code only states which mode it wants.
 *
 *   job    the publisher writes a delivery
 *   held   the publisher writes a delivery that is held; the reader of the log releases it at its turn (`log/held-jobs.ts`)
 *   log    the publisher writes no delivery
 *
 * A change in either direction passes through `held`. For a moment some publishers still use the mode before. Order survives that: a job and a
 * held job are in the same lane, and a held job waits for the events that are read before it.
 *
 *   job ──► held ──► log    cursors begin at the first event that may be without a delivery
 *   log ──► held ──► job    readers read up to the last event without a delivery, then release their shards
 *
 * A change takes these steps. Any worker can take the next one; the row lock makes sure that it is taken once:
 *
 *   preparing   (job ──► held) wait until every event before the cursors is final. Later events that have a delivery are then read, so the
 *               reader knows which keys have something in their lanes
 *   telling     (log ──► held) wait until every reader knows of the change: it has sent three heartbeats since, or it is gone
 *   announcing  the new mode is committed: raise the epoch, so that publishers notice. They see a sequence in any snapshot
 *   waiting     wait for all transactions that were open then: they may have published in the mode before
 *   reading     wait until all cursors have passed the last event that was published in the mode before
 *
 * Between `zone_from` and `zone_to`, some events have a delivery and some have none. Readers look each one up (`log/delivered.ts`).
 *
 * For another number of shards, readers release all shards (`releasing`). New cursors begin at the lowest position of the old ones. `floors` keeps
 * the old positions, so that nothing is handled again, until all cursors have passed them.
 */
import type { Tables } from '../schema/tables.ts'
import { LAST, LOCK, NEXT, raiseFunction, wantFunction } from './log-want.ts'
import { functionName, HANDLER, HELD, OWN_PATH, RETURNING } from './sql.ts'

export function logChangeFunctions(tables: Tables): readonly string[] {
  return [wantFunction(tables), raiseFunction(tables), admitAllFunction(tables), changeFunction(tables)]
}

/** Releases all held jobs of a handler whose events come after this number. */
function admitAllFunction(tables: Tables): string {
  const { channel, delivery, ownQueue } = tables
  return `
create or replace function ${functionName(tables, 'log_admit_all')}(of_handler text, after_seq bigint) returns void language plpgsql ${OWN_PATH} as $function$
declare
  found_queues text[];
  one text;
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
  select array_agg(distinct admitted.name) into found_queues from admitted;
  foreach one in array coalesce(found_queues, '{}') loop
    perform pg_notify('${channel}', one);
  end loop;
end
$function$`
}

/** The readers of a handler, each with its count of heartbeats. */
const READERS = ({ logReader }: Tables) =>
  `(select coalesce(jsonb_object_agg(one.id, one.beat), '{}') from ${logReader} one where of_handler = any(one.handlers))`

/**
 * All open transactions of this database, also prepared ones. A prepared one has no process; after a restart of the server its name begins
 * with -1.
 */
const RUNNING = `(select coalesce(array_agg(distinct lock.virtualtransaction), '{}') from pg_locks lock
      left join pg_stat_activity activity on activity.pid = lock.pid
      where lock.pid is distinct from pg_backend_pid() and (
        lock.locktype = 'virtualxid' and activity.backend_type is distinct from 'autovacuum worker'
        and activity.datid = (select one.oid from pg_database one where one.datname = current_database())
        or lock.pid is null
      ))`

const ARE_OVER = `not (now_is.waits_for && ${RUNNING}) and not exists (select from pg_locks lock where lock.virtualtransaction like '-1/%')`

/** Takes the next step of a change, if it can be taken. Returns the step in words; null if none was taken. */
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
        return 'waits until everything published before is final';
      end if;
      ${set(`phase = 'telling', told = ${READERS(tables)}, zone_from = last, zone_to = null`)}
      return 'readers look for deliveries from now on';
    elsif now_is.mode = 'log' and now_is.new_shards <> now_is.shards and now_is.floors is null then
      ${set(`phase = 'releasing'`)}
      return 'readers release their shards';
    end if;

  when 'preparing' then
    if now_is.wanted = 'job' then
      ${set('phase = null, zone_from = null, waits_for = null')}
      perform ${functionName(tables, 'log_admit_all')}(of_handler, 0);
      return 'the change was taken back';
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
    return 'publishers write held deliveries';

  when 'telling' then
    if not exists (
      select from ${logReader} one
      where of_handler = any(one.handlers) and one.beat < coalesce((now_is.told ->> one.id::text)::bigint, 0) + 3
    ) then
      ${mode('held', ', told = null')}
      return 'publishers write held deliveries';
    end if;

  when 'announcing' then
    perform ${functionName(tables, 'raise_delivery_epoch')}();
    ${set(`phase = 'waiting', waits_for = ${RUNNING}`)}
    return 'publishers know of it';

  when 'waiting' then
    if now_is.mode = 'job' then perform ${functionName(tables, 'log_admit_all')}(of_handler, 0); end if;
    if not (${ARE_OVER}) then return null; end if;
    if now_is.mode = 'job' then
      perform ${functionName(tables, 'log_admit_all')}(of_handler, 0); -- jobs that were committed since the call above
      ${set('phase = null, waits_for = null, zone_from = null, zone_to = null, ends_at = null, floors = null, wanted_shards = null')}
      return 'the handler has deliveries';
    elsif now_is.mode = 'log' then
      ${set(`phase = 'reading', waits_for = null, zone_to = last`)}
      return 'all publishers write no deliveries';
    elsif now_is.wanted = 'log' then
      ${mode('log')}
      return 'publishers write no deliveries';
    end if;
    ${set(`phase = 'reading', waits_for = null, ends_at = last`)}
    return 'readers know where to end';

  when 'reading' then
    if now_is.mode = 'log' and now_is.wanted = 'job' then
      ${set(`phase = 'telling', told = ${READERS(tables)}, zone_to = null`)}
      return 'readers look for deliveries from now on';
    elsif now_is.mode = 'log' and least_place >= now_is.zone_to then
      ${set('phase = null, zone_from = null, zone_to = null')}
      return 'the handler reads the log';
    elsif now_is.mode = 'held' and now_is.wanted = 'log' then
      ${mode('log', ', ends_at = null')}
      return 'publishers write no deliveries';
    elsif now_is.mode = 'held' and least_place >= now_is.ends_at then
      perform ${functionName(tables, 'log_admit_all')}(of_handler, now_is.ends_at); -- runs that are not over have jobs before this number, in the same lanes
      if is_read then return null; end if;
      delete from ${logCursor} one where one.handler = of_handler;
      ${mode('job', `, eras = one.eras + int8multirange(int8range(one.history_to, greatest(one.history_to, one.ends_at), '(]'))`)}
      return 'publishers write deliveries';
    end if;

  when 'releasing' then
    if not is_read then
      delete from ${logCursor} one where one.handler = of_handler;
      insert into ${logCursor} (handler, shard, position, fence)
      select of_handler, shard, least_place, top_fence from generate_series(0, now_is.new_shards - 1) shard;
      ${set(`phase = null, shards = now_is.new_shards, wanted_shards = null, floors = places`)}
      return 'the handler has its new shards';
    end if;
  end case;
  return null;
end
$function$`
}
