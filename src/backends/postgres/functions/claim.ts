/** The function that claims from a queue without keys: takes what is due, most urgent first. */
import {
  activated,
  DELIVERY,
  DELIVERY_COLUMNS,
  FIXED_PLAN,
  functionName,
  itsEvent,
  QUEUE_ORDER,
  type QueueParts,
} from './sql.ts'

export function claimFunction(parts: QueueParts): string {
  const { table, tables, queue } = parts
  return `
create or replace function ${functionName(parts, 'claim')}(wanted integer) returns table (${DELIVERY_COLUMNS}
) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  due tid[];
begin
  select array_agg(candidate.row) into due from (
    select job.ctid as row from ${table} job
    where job.name = '${queue}' and job.state < 'active' and not job.blocked and job.start_after <= ${tables.jobNow}
    order by job.name, job.priority desc, job.created_on
    limit wanted
    for update skip locked
  ) candidate;
  if due is null then return; end if;

  return query
    with ${activated(parts, 'due')}
    select ${DELIVERY} from activated ${itsEvent(parts)} ${QUEUE_ORDER};
end
$function$`
}
