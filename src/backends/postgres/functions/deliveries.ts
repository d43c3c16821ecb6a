/**
 * The function that shows every delivery there is, for people and reports: the jobs that are not done, and the history.
 *
 *   select state, count(*) from postbus.deliveries() where handler = 'mail.receipt' group by 1
 *
 * A function and not a view: pg-boss could not change a table that a view rests on.
 */
import { handlerOfLane, partitionKeyOfLane } from '../../../deliveries/lane-key.ts'
import type { Tables } from '../schema/tables.ts'
import { attemptOf, errorsIn, functionName, SET_ASIDE } from './sql.ts'

export function deliveriesFunction(tables: Tables): string {
  const { delivery, event, handler, history, jobNow, seqOfDelivery } = tables
  return `
create or replace function ${functionName(tables, 'deliveries')}()
returns table (
  seq bigint, event_id uuid, event_type text, partition_key text, handler text, state text, attempts integer,
  due_at timestamptz, started_at timestamptz, ended_at timestamptz, errors jsonb
) language sql stable as $function$
  select ${seqOfDelivery}(job.id), (job.data ->> 'event')::uuid, job.data ->> 'type',
    case when ${handlerOfLane('job.singleton_key')} = job.data ->> 'handler' then ${partitionKeyOfLane('job.singleton_key')} end,
    job.data ->> 'handler',
    case
      when job.state = 'active' then 'running'
      when job.state = 'failed' then 'dead'
      when job.state = 'cancelled' then 'cancelled'
      when job.state = 'completed' then 'done'
      when job.start_after = 'infinity' then 'blocked'
      when job.blocked and not (${SET_ASIDE}) then 'parked'
      when job.state = 'retry' and job.start_after > ${jobNow} then 'retrying'
      else 'waiting' end,
    case when job.started_on is null then 0 else ${attemptOf('job')} end,
    nullif(job.start_after, 'infinity'), job.started_on, job.completed_on, ${errorsIn('job.output')}
  from ${delivery} job where job.data ? 'handler' and job.data ? 'event'
  union all
  select done.seq, event.id, event.type, event.partition_key, handler.name, coalesce(done.outcome, 'done'),
    coalesce(done.attempts, 1), null, done.ended_at - done.took_ms * interval '1 ms', done.ended_at,
    coalesce(done.detail -> 'errors', '[]')
  from ${history} done
  join ${handler} handler on handler.number = done.handler
  join ${event} event on event.seq = done.seq
$function$`
}
