/** Promotes parked deliveries that are now the heads of their lanes, so that claims find them. */
import type { Tables } from '../schema/tables.ts'
import { headOf } from './lane-rows.ts'
import { byId, FIXED_PLAN, functionName } from './sql.ts'

/**
 * SQL: promotes locked rows, as returning ones. In the index of fresh deliveries they would be at the time at which they were written,
 * below the marks of claims that have long passed it.
 */
export function promoting({ delivery, clock }: Tables, where: string, from = ''): string {
  return `update ${delivery} job set blocked = false, state = 'retry', start_after = greatest(job.start_after, ${clock})
    ${from} where ${where};`
}

/**
 * Promotes the heads of these lanes if they are parked. It waits for the locks of parked heads only: a head that runs may be locked by
 * its settle, which waits for what the caller has ended.
 */
export function promoteFunction(tables: Tables): string {
  const lane = { queue: 'of_queue', lane: 'ended.lane' }
  return `
create or replace function ${functionName(tables, 'promote')}(of_queue text, lanes text[]) returns integer
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  heads tid[];
begin
  select array_agg(parked.row) into heads from unnest(lanes) as ended (lane)
  cross join lateral (${headOf(tables, lane, 'job.id')}
  ) head
  cross join lateral (${byId(tables, { queue: 'of_queue', id: 'head.id' }, 'job.ctid as row')} and job.blocked for update
  ) parked;
  ${promoting(tables, 'job.ctid = head.row', 'from unnest(heads) as head (row)')}
  return coalesce(cardinality(heads), 0);
end
$function$`
}
