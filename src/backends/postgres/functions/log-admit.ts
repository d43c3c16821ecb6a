/** The function that makes held jobs due: see `log/held-jobs.ts`. Jobs that are over, or were let in already, stay as they are. */
import type { Tables } from '../schema/tables.ts'
import { byId, FIXED_PLAN, functionName, HELD } from './sql.ts'

export function logAdmitFunction(tables: Tables): string {
  const { channel, clock, delivery } = tables
  return `
create or replace function ${functionName(tables, 'log_admit')}(queues text[], ids uuid[]) returns integer
language plpgsql ${FIXED_PLAN} as $function$
declare
  rows tid[];
  one text;
begin
  select array_agg(held.row) into rows from unnest(queues, ids) as asked (queue, id) cross join lateral (
    ${byId(tables, { queue: 'asked.queue', id: 'asked.id' }, 'job.ctid as row')}
      and job.state::text = 'retry' and job.start_after = ${HELD} for update
  ) held;
  if rows is null then return 0; end if;
  update ${delivery} job set start_after = ${clock} where job.ctid = any(rows);
  for one in select distinct asked.queue from unnest(queues) as asked (queue) loop
    perform pg_notify('${channel}', one);
  end loop;
  return cardinality(rows);
end
$function$`
}
