/** The function that visits a queue's lanes in the order of their keys. A lane costs one probe, however long it is. */
import type { Tables } from '../schema/tables.ts'
import { inQueue, runningIn } from './lane-rows.ts'
import { FIXED_PLAN, functionName, LIVE_IN_LANE } from './sql.ts'

export function walkFunction(tables: Tables): string {
  const next = (key: string) => `(
      select job.id, job.singleton_key, job.state, job.blocked from ${tables.delivery} job
      where ${inQueue('job', 'of_queue')} and job.singleton_key > ${key} and ${LIVE_IN_LANE}
      order by hashtext(job.name), job.singleton_key, job.id limit 1
    )`
  return `
create or replace function ${functionName(tables, 'walk')}(of_queue text, after text, visits integer)
returns table (lane text, id uuid, idle boolean, blocked boolean) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
begin
  return query
    with recursive head as (
      ${next('after')}
      union all
      select following.* from head cross join lateral ${next('head.singleton_key')} following
    ), visited as materialized (
      select * from head limit visits
    )
    select visited.singleton_key, visited.id, visited.state < 'active' and running.id is null, visited.blocked
    from visited
    left join lateral (${runningIn(tables, { queue: 'of_queue', lane: 'visited.singleton_key' })}
    ) running on true;
end
$function$`
}
