/**
 * The functions by which workers share the cursors of handlers that read the log.
 *
 *   begin   creates the cursors of a new handler
 *   beat    writes the worker's row: "I live". Then, in a later statement, reads what the worker owns and which others read
 *   take    deletes the rows of dead workers, and frees all of their cursors; then takes free cursors, each with a new fence
 *   leave   releases all cursors of a worker, and deletes its row
 *
 * The database's clock may be set, so it does not decide whether a worker is dead. A worker's row counts its heartbeats. A worker is dead
 * when another worker has seen the same count for long enough, by its own clock (`worker/log/leases.ts`). To take from it, the other
 * worker deletes the row with that count. If the first worker lives after all, its next heartbeat waits for that, and then sees that it
 * owns nothing any more: a cursor has an owner only while the owner has a row.
 */
import type { Tables } from '../schema/tables.ts'
import { functionName, OWN_PATH } from './sql.ts'

export function logLeaseFunctions(tables: Tables): readonly string[] {
  return [logBeginFunction(tables), logBeatFunction(tables), logTakeFunction(tables), logLeaveFunction(tables)]
}

/**
 * Creates the cursors of a handler that has none: at the end of the log, or after `after_seq` if that comes before it. If several workers
 * meet a new handler at the same moment, one of them creates the cursors.
 */
function logBeginFunction(tables: Tables): string {
  const { eventSeq, logCursor, logHandler } = tables
  return `
create or replace function ${functionName(tables, 'log_begin')}(of_handler text, of_shards integer, after_seq bigint, is_backfilled boolean) returns void
language plpgsql ${OWN_PATH} as $function$
declare
  last bigint;
begin
  select case when one.is_called then one.last_value else one.last_value - 1 end into last from ${eventSeq} one;
  insert into ${logHandler} as one (handler, shards, history_to)
  values (of_handler, of_shards, case when is_backfilled then last else least(after_seq, last) end)
  on conflict (handler) do update set id = excluded.id, shards = excluded.shards, history_to = excluded.history_to,
    began_at = excluded.began_at, is_forgotten = false, mode = 'log', wanted = 'log', wanted_shards = null, phase = null, zone_from = null,
    zone_to = null, ends_at = null, floors = null
  where one.is_forgotten;
  if not found then return; end if;
  insert into ${logCursor} (handler, shard, position)
  select of_handler, shard, least(after_seq, last) from generate_series(0, of_shards - 1) shard;
end
$function$`
}

/** Returns these handlers, their cursors, their readers and all pauses as JSON, from one snapshot. */
function logBeatFunction(tables: Tables): string {
  const { logCursor, logHandler, logReader, pause } = tables
  return `
create or replace function ${functionName(tables, 'log_beat')}(me uuid, of_handlers text[]) returns json
language plpgsql ${OWN_PATH} as $function$
begin
  insert into ${logReader} as one (id, handlers) values (me, of_handlers)
  on conflict (id) do update set beat = one.beat + 1, seen_at = clock_timestamp(), handlers = excluded.handlers;

  return json_build_object(
    'handlers', (select coalesce(json_agg(json_build_object(${SUBSCRIPTION})), '[]')
      from ${logHandler} one where one.handler = any(of_handlers) and not one.is_forgotten),
    'cursors', (select coalesce(json_agg(json_build_object('handler', one.handler, 'shard', one.shard, 'owner', one.owner, 'fence', one.fence,
        'position', one.position, 'deaths', one.deaths)), '[]')
      from ${logCursor} one where one.handler = any(of_handlers)),
    'readers', (select coalesce(json_agg(json_build_object('id', one.id, 'beat', one.beat, 'handlers', one.handlers)), '[]')
      from ${logReader} one where one.handlers && of_handlers),
    'pauses', (select coalesce(json_agg(json_build_object('kind', one.kind, 'name', one.name)), '[]')
      from ${pause} one where one.kind = 'handler' or one.until > clock_timestamp())
  );
end
$function$`
}

/** SQL: whether the handler is changing its mode or its number of shards. */
export const IS_CHANGING = `(one.phase is not null or one.floors is not null or one.wanted <> one.mode or coalesce(one.wanted_shards <> one.shards, false))`

/** SQL: the fields of a `LogSubscription`. */
export const SUBSCRIPTION = `'handler', one.handler, 'shards', one.shards, 'historyTo', one.history_to, 'historyId', one.id,
      'mode', one.mode, 'floors', one.floors, 'zoneFrom', one.zone_from, 'zoneTo', one.zone_to, 'endsAt', one.ends_at,
      'isReleasing', coalesce(one.phase = 'releasing', false),
      'isChanging', ${IS_CHANGING}`

/** Returns the cursors that were taken. */
function logTakeFunction(tables: Tables): string {
  const { logCursor, logHandler, logReader } = tables
  return `
create or replace function ${functionName(tables, 'log_take')}(me uuid, of_handler text, wanted integer, dead uuid[], beats bigint[])
returns table (shard integer, "position" float8, fence float8, deaths integer)
language plpgsql ${OWN_PATH} as $function$
#variable_conflict use_column
declare
  gone uuid[];
begin
  with gone_now as (
    delete from ${logReader} one using unnest(dead, beats) as silent (id, beat)
    where one.id = silent.id and one.beat = silent.beat returning one.id
  ) select array_agg(gone_now.id) into gone from gone_now;
  if gone is not null then
    update ${logCursor} one set owner = null, deaths = least(one.deaths + 1, 1000) where one.owner = any(gone);
  end if;
  perform from ${logReader} one where one.id = me for key share;
  if not found then return; end if; -- another worker has declared us dead: it would not free what we take now

  return query
    with free as materialized (
      select one.handler, one.shard from ${logCursor} one
      where one.handler = of_handler and one.owner is null and not exists (
        select from ${logHandler} handler
        where handler.handler = of_handler and (handler.phase = 'releasing' or one.position >= handler.ends_at)
      ) order by one.shard limit wanted for update skip locked
    )
    update ${logCursor} one set owner = me, fence = one.fence + 1 from free
    where one.handler = free.handler and one.shard = free.shard
    returning one.shard::integer, one.position::float8, one.fence::float8, one.deaths::integer;
end
$function$`
}

function logLeaveFunction(tables: Tables): string {
  const { logCursor, logReader } = tables
  return `
create or replace function ${functionName(tables, 'log_leave')}(me uuid) returns void language plpgsql ${OWN_PATH} as $function$
begin
  update ${logCursor} one set owner = null where one.owner = me;
  delete from ${logReader} one where one.id = me;
end
$function$`
}
