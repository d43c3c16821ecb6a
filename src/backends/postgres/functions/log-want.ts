/** The functions by which a migration says how a handler is to get its events, and publishers hear of it: see `log-change.ts`. */
import type { Tables } from '../schema/tables.ts'
import { functionName, OWN_PATH } from './sql.ts'

/** The last number that was taken. */
export const LAST = ({ eventSeq }: Tables) =>
  `(select case when one.is_called then one.last_value else one.last_value - 1 end from ${eventSeq} one)`

/** The number of the next change. Who calls this holds the lock that `want` and `change` take. */
export const NEXT = ({ logHandler, deliveryEpoch }: Tables) =>
  `(select greatest(max(one.epoch), pg_sequence_last_value('${deliveryEpoch}'::regclass), 0) + 1 from ${logHandler} one)`

/** Two changes at one moment must not have the same number. Readers of the table do not wait for it. */
export const LOCK = ({ logHandler }: Tables) => `lock table ${logHandler} in share row exclusive mode`

/**
 * Writes down what a handler's definition wants. Returns whether that is something else than what was wanted before. From here on it has no history
 * to be given: what the log has handled leaves nothing by which a backfill could tell.
 */
export function wantFunction(tables: Tables): string {
  const { backfill, logHandler } = tables
  return `
create or replace function ${functionName(tables, 'log_want')}(of_handler text, how text, of_shards integer) returns boolean
language plpgsql ${OWN_PATH} as $function$
begin
  ${LOCK(tables)};
  insert into ${backfill} (handler, since, state, ended_at) values (of_handler, now(), 'done', now()) on conflict (handler) do nothing;
  insert into ${logHandler} (handler, shards, history_to, mode, wanted, epoch, phase_since)
  values (of_handler, coalesce(of_shards, 1), ${LAST(tables)}, 'job', how, ${NEXT(tables)}, clock_timestamp()) on conflict (handler) do nothing;
  if found then return true; end if;
  update ${logHandler} one set wanted = how, phase_since = clock_timestamp(), wanted_shards = coalesce(of_shards, one.wanted_shards), epoch = ${NEXT(tables)}
  where one.handler = of_handler and (one.wanted <> how or coalesce(one.wanted_shards, one.shards) <> coalesce(of_shards, one.wanted_shards, one.shards));
  return found;
end
$function$`
}

/** Lets publishers know of all that is committed. A sequence is seen in any snapshot; it is never set back. */
export function raiseFunction(tables: Tables): string {
  const { deliveryEpoch, logHandler } = tables
  return `
create or replace function ${functionName(tables, 'raise_delivery_epoch')}() returns bigint language plpgsql ${OWN_PATH} as $function$
declare
  committed bigint;
begin
  perform pg_advisory_xact_lock('${deliveryEpoch}'::regclass::integer, 0);
  select max(one.epoch) into committed from ${logHandler} one;
  if committed > coalesce(pg_sequence_last_value('${deliveryEpoch}'::regclass), 0) then
    perform setval('${deliveryEpoch}', committed);
  end if;
  return committed;
end
$function$`
}
