/**
 * The functions that keep handlers to their pace, in all processes together.
 *
 *   grant            the times of the next attempts, evenly spread, by the database's clock. They are less than a moment ahead: if the clock
 *                    is set back, earlier grants do not hold up a handler for long
 *   circuit_failed   counts a failure. If that is one too many, it pauses the handler for a while: the row of the pause has an end
 *   circuit_passed   ends such a pause, once its time is over
 *
 * While such a pause lasts, claims take no delivery of the handler. After its end, while its row is still there, they take one delivery
 * at a time, in all processes together: the probe (see `pauses.ts`). If the probe fails, another pause begins.
 */
import type { Tables } from '../schema/tables.ts'
import { FIXED_PLAN, functionName } from './sql.ts'

/** Names the circuit breaker as the one who paused the handler, for operators. */
export const CIRCUIT_BREAKER = 'circuit breaker'

export function paceFunctions(tables: Tables): readonly string[] {
  return [grantFunction(tables), circuitFailedFunction(tables), circuitPassedFunction(tables)]
}

function grantFunction(tables: Tables): string {
  const { pace } = tables
  return `
create or replace function ${functionName(tables, 'grant_attempts')}(of_handler text, wanted integer, every_ms float8, within_ms float8)
returns table (count integer, first_ms float8, next_ms float8) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  first timestamptz;
  moment timestamptz;
  every interval := every_ms * interval '1 ms';
  horizon interval := within_ms * interval '1 ms';
begin
  insert into ${pace} (handler) values (of_handler) on conflict do nothing;
  select one.next_at into first from ${pace} one where one.handler = of_handler for update;
  moment := clock_timestamp();
  first := least(greatest(first, moment), moment + horizon + every);
  count := greatest(0, least(wanted, floor(extract(epoch from moment + horizon - first) * 1000 / every_ms)::bigint + 1))::integer;
  update ${pace} one set next_at = first + count * every where one.handler = of_handler;
  first_ms := extract(epoch from first - moment) * 1000;
  next_ms := first_ms + count * every_ms;
  return next;
end
$function$`
}

function circuitFailedFunction(tables: Tables): string {
  const { pace, pause } = tables
  return `
create or replace function ${functionName(tables, 'circuit_failed')}(
  of_handler text, failures integer, per_ms float8, pause_ms float8, because text
) returns text language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  moment timestamptz;
  lately timestamptz[];
  over timestamptz;
begin
  insert into ${pace} (handler) values (of_handler) on conflict do nothing;
  select one.failed_at into lately from ${pace} one where one.handler = of_handler for update;
  moment := clock_timestamp();
  select one.until into over from ${pause} one where one.kind = 'handler' and one.name = of_handler and one.by = '${CIRCUIT_BREAKER}' for update;
  if found then
    if over <= moment then
      update ${pause} one set until = moment + pause_ms * interval '1 ms', reason = because
      where one.kind = 'handler' and one.name = of_handler;
    end if;
    return 'open';
  end if;
  lately := array(
    select failed.at from unnest(lately || moment) as failed (at)
    where failed.at > moment - per_ms * interval '1 ms' order by failed.at desc limit failures
  );
  if cardinality(lately) < failures then
    update ${pace} one set failed_at = lately where one.handler = of_handler;
    return 'counted';
  end if;
  update ${pace} one set failed_at = '{}' where one.handler = of_handler;
  insert into ${pause} (kind, name, by, reason, until)
  values ('handler', of_handler, '${CIRCUIT_BREAKER}', because, moment + pause_ms * interval '1 ms') on conflict do nothing;
  return case when found then 'opened' else 'open' end;
end
$function$`
}

function circuitPassedFunction(tables: Tables): string {
  const { pause } = tables
  return `
create or replace function ${functionName(tables, 'circuit_passed')}(of_handler text) returns boolean
language plpgsql ${FIXED_PLAN} as $function$
begin
  perform from ${pause} one
  where one.kind = 'handler' and one.name = of_handler and one.by = '${CIRCUIT_BREAKER}' and one.until <= clock_timestamp() for update;
  if not found then return false; end if;
  return ${functionName(tables, 'resume')}('handler', of_handler);
end
$function$`
}
