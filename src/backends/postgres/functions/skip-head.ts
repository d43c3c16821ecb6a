/**
 * The function with which an operator takes the head of a lane out, as a dead letter, and promotes the next. Returns the id of the
 * head; null if the lane has no head, or if the head runs.
 */
import type { Tables } from '../schema/tables.ts'
import { headOf } from './lane-rows.ts'
import { byId, errorsIn, FIXED_PLAN, functionName } from './sql.ts'

export function skipHeadFunction(tables: Tables): string {
  const { channel, clock, deadLetter, delivery, event, seqOfDelivery } = tables
  const lane = { queue: 'of_queue', lane: 'lane' }
  return `
create or replace function ${functionName(tables, 'skip_head')}(of_queue text, lane text, because text) returns uuid
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  head record;
begin
  ${headOf(tables, lane, 'job.ctid as row, job.id, job.state').replace('select', 'select into head')} for update;
  if head.row is null or head.state = 'active' then return null; end if;

  update ${delivery} job set state = 'failed', blocked = false, completed_on = ${clock}, heartbeat_on = null
  where job.ctid = head.row;
  insert into ${deadLetter} as letter (
    delivery_id, queue, handler, event_id, event_type, partition_key, reason, attempts, died_at, dismissed_at
  )
  select job.id, job.name, coalesce(job.data ->> 'handler', ''), event.id, coalesce(event.type, job.data ->> 'type'),
    event.partition_key, because, ${errorsIn('job.output')}, ${clock}, null
  from (${byId(tables, { queue: 'of_queue', id: 'head.id' }, 'job.*')}) job
  left join lateral (
    select * from ${event} event where event.seq = ${seqOfDelivery}(job.id) offset 0
  ) event on true
  on conflict (delivery_id) do update set blocks_key = false, dismissed_at = null;
  perform ${functionName(tables, 'promote')}(of_queue, array[lane]);
  perform pg_notify('${channel}', of_queue);
  return head.id;
end
$function$`
}
