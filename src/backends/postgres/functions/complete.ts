/**
 * The function that tells a waiting delivery how it ended.
 *
 *   it waits ──► done, skipped: it moves to the history, and the next of its lane goes on
 *           └──► failed: it becomes due, and the next claim makes a failed attempt of it, by the rules of its handler
 *   its handler still runs ──► noted, and used when the handler says that it waits: work that it began elsewhere may end before that
 *   anything else ──► nothing: it was told before, its time was over, or it never waited
 *
 * The delivery's row is locked, as by a settle. The caller's transaction may keep the lock for long: claims skip its lane until then.
 */
import { stateOfJob } from '../record/statuses.ts'
import type { Tables } from '../schema/tables.ts'
import { IS_AWAITING } from './awaiting.ts'
import { finishing } from './finish.ts'
import { HISTORY_VARIABLES, readingTurn, writingHistory } from './history.ts'
import { attemptOf, byId, FIXED_PLAN, functionName, HANDLER } from './sql.ts'
import { tellingOfEnds } from './watch.ts'

/** `how`: done, skipped or failed. Returns `told` or `not` with the state of the delivery afterwards; `unknown` if there is no such delivery. */
export function completeFunction(tables: Tables): string {
  const { act, channel, clock, delivery, handler, history, logHandler, ownQueue, seqOfDelivery } = tables
  const hash = `encode(substr(uuid_send(of_id), 9), 'hex')`
  const isIts = (name: string) => `encode(substr(sha256(convert_to(${name}, 'UTF8')), 1, 8), 'hex') = ${hash}`
  const columns = `job.ctid as row, job.name, job.singleton_key as lane, job.state::text as job_state, job.data,
    ${IS_AWAITING} as is_awaiting, ${stateOfJob(tables)} as state`
  return `
create or replace function ${functionName(tables, 'complete')}(of_id uuid, how text, because text, told_by text) returns text
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  held record;
  ids uuid[] := array[of_id];
  verdict jsonb := jsonb_strip_nulls(jsonb_build_object('as', how, 'reason', because));
  written integer;
  found_state text;${HISTORY_VARIABLES}
begin
  select one.* into held from ${ownQueue} own cross join lateral (
    ${byId(tables, { queue: 'own.name', id: 'of_id' }, columns)} for update
  ) one;
  if not found then
    select coalesce(done.outcome, 'done') into found_state from ${history} done join ${handler} handler on handler.number = done.handler
    where done.seq = ${seqOfDelivery}(of_id) and ${isIts('handler.name')} order by done.ended_at desc limit 1;
    if found then return 'not ' || found_state; end if;
    if exists (
      select from ${tables.event} event cross join ${logHandler} reading
      where event.seq = ${seqOfDelivery}(of_id) and ${isIts('reading.handler')} and (reading.mode <> 'job' or event.seq <@ reading.eras)
    ) then return 'not waiting'; end if;
    return 'unknown';
  end if;

  if held.job_state = 'active' and not held.data ? 'told' then
    update ${delivery} job set data = job.data || jsonb_build_object('told', verdict) where job.ctid = held.row;
    found_state := 'running';
  elsif not held.is_awaiting then
    return 'not ' || held.state;
  elsif how = 'failed' then
    update ${delivery} job set data = job.data || jsonb_build_object('awaiting', verdict), start_after = ${clock} where job.ctid = held.row;
    found_state := 'waiting';
  else
    ${readingTurn(tables)}
    with gone as (
      delete from ${delivery} job where job.ctid = held.row
      returning job.id, job.started_on, ${HANDLER} as handler, ${attemptOf('job')} + 1 as attempts, job.output
    ), ${writingHistory(tables, 'gone', { outcome: `nullif(how, 'done')`, reason: 'because' })}
    select count(*) into written from gone;
    ${tellingOfEnds(tables, 'ids')}
    ${finishing(tables, 'ids')}
    if held.lane is not null then
      perform ${functionName(tables, 'promote')}(held.name, array[held.lane]);
    end if;
    found_state := how;
  end if;
  perform pg_notify('${channel}', held.name);
  if told_by is not null then
    insert into ${act} (act, filter, by, reason, count)
    values ('deliveries.' || case how when 'done' then 'complete' when 'skipped' then 'skip' else 'fail' end,
      jsonb_build_object('delivery', of_id), told_by, because, 1);
  end if;
  return 'told ' || found_state;
end
$function$`
}
