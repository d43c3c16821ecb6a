/**
 * The function that frees the deliveries of all queues whose worker has not been heard of for `silent_seconds`. The attempt
 * counts, with an error that says so; whether it was the last one is decided at the next claim, which knows the handler.
 *
 * It looks at heartbeats from `since_seconds` ago on; null: at all. What has finished since then is in the way while
 * someone has an old snapshot open, so a worker looks at everything once a minute only.
 */
import type { Tables } from '../schema/tables.ts'
import { ACTIVE, attemptOf, FIXED_PLAN, functionName, withError } from './sql.ts'

export function recoverFunction(tables: Tables): string {
  const { channel, clock, delivery } = tables
  const error = `error || jsonb_build_object('attempt', ${attemptOf('job')})`
  return `
create or replace function ${functionName(tables, 'recover')}(silent_seconds float8, since_seconds float8, error jsonb)
returns table (queue text, count integer) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  lost tid[];
  queues text[];
  lanes text[];
  one text;
begin
  select array_agg(silent.row), array_agg(silent.name), array_agg(silent.singleton_key) into lost, queues, lanes from (
    select job.ctid as row, job.name, job.singleton_key from ${delivery} job
    where ${ACTIVE} and job.heartbeat_on < ${clock} - silent_seconds * interval '1 s'
      and job.heartbeat_on >= coalesce(${clock} - since_seconds * interval '1 s', '-infinity')
    order by job.heartbeat_on
    for update skip locked
  ) silent;
  if lost is null then return; end if;

  update ${delivery} job set
    state = 'retry',
    start_after = ${clock},
    heartbeat_on = null,
    output = ${withError('job.output', `(${error})`)}
  from unnest(lost) as silent (row)
  where job.ctid = silent.row;
  for one in select distinct silent.queue from unnest(queues) silent (queue) loop
    perform ${functionName(tables, 'promote')}(one, (
      select array_agg(silent.lane) from unnest(queues, lanes) silent (queue, lane)
      where silent.queue = one and silent.lane is not null
    ));
    perform pg_notify('${channel}', one);
  end loop;
  return query select silent.queue, count(*)::integer from unnest(queues) silent (queue) group by 1;
end
$function$`
}
