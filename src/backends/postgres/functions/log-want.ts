/** The functions by which a migration states the wanted mode of a handler, and tells publishers of changes: see `log-change.ts`. */
import type { Tables } from '../schema/tables.ts'
import { functionName, OWN_PATH } from './sql.ts'

/** SQL: the last seq that was taken. */
export const LAST = ({ eventSeq }: Tables) =>
  `(select case when one.is_called then one.last_value else one.last_value - 1 end from ${eventSeq} one)`

/** SQL: the epoch of the next change. Call it under `LOCK`. */
export const NEXT = ({ logHandler, deliveryEpoch }: Tables) =>
  `(select greatest(max(one.epoch), pg_sequence_last_value('${deliveryEpoch}'::regclass), 0) + 1 from ${logHandler} one)`

/** One change at a time, so that each has an epoch of its own. Readers of the table are not blocked. */
export const LOCK = ({ logHandler }: Tables) => `lock table ${logHandler} in share row exclusive mode`

/**
 * Stores the mode and the shards that a handler's definition asks for. It also marks the handler's backfill
 * as done: an event that was handled from the log leaves no trace, so a backfill would deliver it again.
 */
export function wantFunction(tables: Tables): string {
  const { backfill, logHandler } = tables
  return `
create or replace function ${functionName(tables, 'log_want')}(of_handler text, how text, of_shards integer) returns void
language plpgsql ${OWN_PATH} as $function$
begin
  ${LOCK(tables)};
  insert into ${backfill} (handler, since, state, ended_at) values (of_handler, now(), 'done', now()) on conflict (handler) do nothing;
  insert into ${logHandler} (handler, shards, history_to, mode, wanted, epoch, phase_since)
  values (of_handler, coalesce(of_shards, 1), ${LAST(tables)}, 'job', how, ${NEXT(tables)}, clock_timestamp()) on conflict (handler) do nothing;
  if found then return; end if;
  update ${logHandler} one set wanted = how, phase_since = clock_timestamp(), wanted_shards = coalesce(of_shards, one.wanted_shards), epoch = ${NEXT(tables)}
  where one.handler = of_handler and (one.wanted <> how or coalesce(one.wanted_shards, one.shards) <> coalesce(of_shards, one.wanted_shards, one.shards));
end
$function$`
}

/** Raises the epoch that publishers compare to the highest one that is committed. It is a sequence: visible in any snapshot, and never set back. */
export function raiseFunction(tables: Tables): string {
  const { deliveryEpoch, logHandler } = tables
  return `
create or replace function ${functionName(tables, 'raise_delivery_epoch')}() returns void language plpgsql ${OWN_PATH} as $function$
declare
  committed bigint;
begin
  perform pg_advisory_xact_lock('${deliveryEpoch}'::regclass::integer, 0);
  select max(one.epoch) into committed from ${logHandler} one;
  if committed > coalesce(pg_sequence_last_value('${deliveryEpoch}'::regclass), 0) then
    perform setval('${deliveryEpoch}', committed);
  end if;
end
$function$`
}
