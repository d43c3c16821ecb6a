/**
 * The function that publishes from SQL: from a trigger, from psql, from a program in another language.
 *
 *   type, data, … ──► checked against registered_type ──► subscription: its receivers ──► publish(batch)
 *
 * It writes nothing itself but `is_unasked`: it calls `publish` as a bus would, with what `migrate` has stored. So lanes, the order of
 * the log, the marks of claims and the one NOTIFY at the commit work as they do for every other publisher.
 *
 * `interested` is code, and cannot be asked here: every receiver gets a delivery, and workers ask. The schema is not here either, so the
 * stored document says `unparsed`, and workers check it (`codec/`). A claim for a shadow comes without that document. So the event
 * itself says in `is_unasked` that workers have to ask. It is written only if such a handler listens.
 *
 * It always publishes as if inside a transaction: workers are told at its end, wherever it was begun. A single statement is a
 * transaction too, so `PB003` has nothing to find, and the last line turns it off.
 *
 * It runs with its owner's rights: a role that may call it can publish what is registered, and needs no right on any table. So only its
 * owner may call it, until the right is granted by hand.
 *
 * `data` is `anycompatible`: json, jsonb and text all fit, and a literal without a type is text. A parameter of type json would refuse
 * what `jsonb_build_object` returns. With one function for each type, a literal would fit several.
 */
import { LOG_WORD } from '../../../deliveries/log-reading.ts'
import type { Tables } from '../schema/tables.ts'
import { refuseUnless, SQL_PARAMETERS, uuidV7 } from './publish-event-checks.ts'
import { functionName, OWN_PATH } from './sql.ts'

export function publishEventFunction(tables: Tables): string {
  const { deliveryEpoch, event, logHandler, registeredType, registry, subscription } = tables
  const way = `case when one.delivery = 'within' then 'within' else coalesce(reading.mode, one.delivery) end`
  const reading = `left join ${logHandler} reading on reading.handler = one.handler and not reading.is_forgotten`
  const name = functionName(tables, 'publish_event')
  return `
create or replace function ${name}(${SQL_PARAMETERS})
returns uuid language plpgsql security definer ${OWN_PATH} as $function$
#variable_conflict use_variable
declare
  known record;
  listening record;
  receiver record;
  document text := data::text;
  checked json;
  problem text;
  occurred timestamptz := date_trunc('milliseconds', coalesce(occurred_at, clock_timestamp()));
  expires timestamptz;
  new_id uuid := coalesce(id, ${uuidV7()});
  later jsonb;
  epoch bigint;
  published record;
  done text;
begin
  select min(one.type) as type, bool_or(one.is_keyed) as is_keyed, max(one.retain_ms) as retain_ms, max(one.max_bytes) as max_bytes,
    case when bool_and(one.ttl_ms is not null) then max(one.ttl_ms) end as ttl_ms
  into known from ${registeredType} one where one.name = publish_event.type and one.version = publish_event.version;
  loop
  if pg_sequence_last_value('${deliveryEpoch}'::regclass) is not null then
    select max(one.epoch) into epoch from ${logHandler} one;
  end if;
  select bool_or(${way} in ('log', 'held')) as is_read, min(one.handler) filter (where one.delivery = 'within') as within,
    min(one.handler) filter (where one.is_ordered) as ordered
  into listening from ${subscription} one ${reading} where one.type = known.type and one.version = publish_event.version;
  ${refuseUnless(tables)}

  select jsonb_agg(jsonb_build_object('set', 0, 'handler', one.handler, 'handler_hash', one.handler_hash, 'queue', one.queue,
      'priority', case when one.is_held then 0 else one.priority end, 'backfilled', one.is_backfilled, 'finishes', one.finishes,
      'held', one.is_held) order by one.ord, one.handler) as list,
    string_agg(distinct one.queue, ' ') as queues, bool_or(one.is_backfilled or one.is_finisher or one.is_held) as is_special,
    bool_or(one.finishes = 'later') as finishes, bool_or(one.is_asked_blind) as is_asked_blind
  into receiver from (
    select one.*, one.way = 'held' and later is null as is_held, case when one.is_finisher then case when listening.is_read or count(*) over () > 1 then 'later' else 'now' end end as finishes
    from (
      select distinct on (one.handler) one.handler, one.handler_hash, one.ord, one.priority, ${way} as way, one.is_backfilled, one.is_finisher,
        one.is_asked_blind, case when partition_key is not null and one.is_ordered and not one.is_finisher then one.keyed_queue else one.queue end as queue
      from ${subscription} one join ${registry} registered using (service) ${reading}
      where one.type = known.type and one.version = publish_event.version
      order by one.handler, registered.registered_at desc, one.service
    ) one where one.way in ('job', 'held')
  ) one;

  select * into published from ${functionName(tables, 'publish')}((jsonb_build_object(
    'protocol', case when later is null then 1 else 2 end,
    'in_transaction', true,
    'epoch', epoch,
    'events', jsonb_build_array(jsonb_build_object('ord', 0, 'id', new_id, 'type', known.type, 'version', version,
      'partition_key', partition_key, 'payload', '{"json":' || document || ',"unparsed":true}', 'correlation_id', correlation_id,
      'causation_id', causation_id, 'source', source, 'metadata', nullif(metadata, '{}')::text, 'occurred_at', occurred,
      'expires_at', expires, 'retain_ms', known.retain_ms, 'receivers', 0)),
    'receivers', coalesce(receiver.list, '[]'),
    'wake', nullif(concat_ws(' ', case when later is null then receiver.queues end,
      case when listening.is_read then '${LOG_WORD}' end), ''))
    || case when later is null and receiver.is_special is distinct from true then '{"plain":true}'::jsonb else '{}' end
    || case when later is null then '{}'::jsonb else jsonb_build_object('later', later) end
    || case when receiver.finishes then '{"finishes":true}'::jsonb else '{}' end
  )::text);
  exit when published.deliveries >= 0; -- less: a mode has changed meanwhile, and nothing was written
  end loop;
  if receiver.is_asked_blind and not published.duplicate then
    update ${event} one set is_unasked = true where one.id = new_id;
  end if;
  done := set_config('postbus.published_by', 'sql', true);
  return new_id;
end
$function$;
revoke execute on function ${name} from public`
}
