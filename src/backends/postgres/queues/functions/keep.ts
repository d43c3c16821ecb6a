/**
 * The function that says that claims are being worked on. Answers those that are still ours.
 *
 * A row that is locked at this moment is ours, but is passed over: waiting for it could be waiting for a settle that waits
 * for us, and the next heartbeat is near.
 */
import { byId, claimOf, FIXED_PLAN, functionName, type QueueParts } from './sql.ts'

export function keepFunction(parts: QueueParts): string {
  return `
create or replace function ${functionName(parts, 'keep')}(ids uuid[], claims float8[]) returns setof uuid
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  ours uuid[];
  kept tid[];
begin
  select array_agg(job.id) into ours
  from unnest(ids, claims) as mine (id, claim)
  cross join lateral (
    ${byId(parts, 'mine.id', 'job.id')} and ${claimOf('job')} = mine.claim and job.state::text = 'active' offset 0
  ) job;

  select array_agg(job.row) into kept from unnest(ours) as mine (id)
  cross join lateral (
    ${byId(parts, 'mine.id', 'job.ctid as row')} and job.state::text = 'active' for no key update skip locked
  ) job;
  update ${parts.table} job set heartbeat_on = ${parts.tables.jobNow}
  from unnest(kept) as mine (row) where job.ctid = mine.row;

  return query select unnest(ours);
end
$function$`
}
