/**
 * The function that returns which of some queues have anything to claim. A worker asks it for all its quiet queues at once, as
 * often as it polls: a thousand queues cost one statement, and a queue in which nothing waits costs three probes of an index.
 */
import type { Tables } from '../schema/tables.ts'
import { PRIORITIES } from './marks.ts'
import { FIXED_PLAN, FRESH, functionName, HANDLER, RETURNING, SET_ASIDE } from './sql.ts'

export function dueFunction(tables: Tables): string {
  const { delivery, jobNow } = tables
  const one = `select from ${delivery} job where job.name = asked.queue`
  const due = `job.start_after <= ${jobNow}`
  return `
create or replace function ${functionName(tables, 'due')}(queues text[]) returns setof text
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
begin
  return query select asked.queue from unnest(queues) as asked (queue)
    where exists (${one} and ${FRESH} and ${due} order by job.name, job.priority desc, job.created_on limit 1)
      or exists (${one} and ${SET_ASIDE} order by job.name, ${HANDLER} limit 1)
      or exists (${one} and ${RETURNING} order by job.name, job.priority desc, job.start_after limit 1) and exists (
        select from generate_series(0, ${1 - PRIORITIES}, -1) as level (priority) cross join lateral (
          ${one} and ${RETURNING} and job.priority = level.priority and ${due}
          order by job.name, job.priority desc, job.start_after limit 1
        ) back
        union all
        (${one} and ${RETURNING} and (job.priority > 0 or job.priority <= ${-PRIORITIES}) and ${due}
          order by job.name, job.priority desc, job.start_after limit 1)
      );
end
$function$`
}
