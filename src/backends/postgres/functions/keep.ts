/**
 * The function that writes the heartbeats of claims. Returns the deliveries whose claims are still ours.
 *
 * A row that is locked at this moment counts as ours, but gets no heartbeat. To wait for it could mean to wait for a settle that
 * waits for us, and the next heartbeat is near.
 */
import type { Tables } from '../schema/tables.ts'
import { byId, claimOf, FIXED_PLAN, functionName } from './sql.ts'

export function keepFunction(tables: Tables): string {
  const mine = { queue: 'of_queue', id: 'mine.id' }
  return `
create or replace function ${functionName(tables, 'keep')}(of_queue text, ids uuid[], claims bigint[]) returns setof uuid
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  ours uuid[];
  kept tid[];
begin
  select array_agg(job.id) into ours
  from unnest(ids, claims) as mine (id, claim)
  cross join lateral (
    ${byId(tables, mine, 'job.id')} and ${claimOf('job')} = mine.claim and job.state::text = 'active' offset 0
  ) job;

  select array_agg(job.row) into kept from unnest(ours) as mine (id)
  cross join lateral (
    ${byId(tables, mine, 'job.ctid as row')} and job.state::text = 'active' for no key update skip locked
  ) job;
  update ${tables.delivery} job set heartbeat_on = ${tables.clock}
  from unnest(kept) as mine (row) where job.ctid = mine.row;

  return query select unnest(ours);
end
$function$`
}
