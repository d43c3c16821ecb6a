/**
 * The function that stores events from elsewhere, with their ids and times, and writes no deliveries. It keeps their order, and ignores
 * events that exist already. Like `publish`, it takes its transaction's id first, so that readers of the log do not miss the events.
 */
import type { Tables } from '../schema/tables.ts'
import { eventOf } from './rows.ts'
import { functionName, OWN_PATH } from './sql.ts'

const EVENT = eventOf('input.retained_until')

export function importFunction(tables: Tables): string {
  return `
create or replace function ${functionName(tables, 'import_events')}(batch text) returns setof uuid
language plpgsql ${OWN_PATH} as $function$
begin
  perform pg_current_xact_id();
  return query insert into ${tables.event} (${EVENT.columns}, redacted, published_at)
  select ${EVENT.values}, input.redacted, input.published_at
  from jsonb_to_recordset(batch::jsonb) as input (
    ord integer, id uuid, type text, version integer, partition_key text, payload text, correlation_id text,
    causation_id text, caused_by_handler text, initialized_at timestamptz, source text, metadata text, redacted text,
    occurred_at timestamptz, published_at timestamptz, expires_at timestamptz, retained_until timestamptz
  )
  order by ord
  on conflict (id) do nothing
  returning id;
end
$function$`
}
