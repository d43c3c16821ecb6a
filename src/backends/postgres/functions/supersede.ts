/**
 * The function that checks whether a newer event of the same type waits behind a running delivery, for a handler with `coalesce: 'latest'`.
 * If so, it ends the deliveries of that type between the two, as superseded, and returns the id of the newest event. The running
 * delivery is then settled by its worker like any other.
 *
 * While it runs, nothing else can claim the deliveries between the two, and its worker knows of none of them (see `LaneRun`). A delivery
 * that another process has locked at this moment stays, and is looked at again when its turn comes.
 */
import type { Tables } from '../schema/tables.ts'
import { finishing } from './finish.ts'
import { HISTORY_VARIABLES, readingTurn, writingHistory } from './history.ts'
import { inQueue } from './lane-rows.ts'
import { attemptOf, byId, FIXED_PLAN, functionName, HANDLER, LIVE_IN_LANE } from './sql.ts'
import { tellingOfEnds } from './watch.ts'

/** At most this many deliveries of a lane are looked at, the newest first. If all of them are of other types, an older one is handled too. */
const LOOKED_AT = 1_000
/** One call ends at most this many. */
const ENDED_AT_ONCE = 2_000

export function supersedeFunction(tables: Tables): string {
  const { clock, delivery } = tables
  const inLane = `${inQueue('job', 'of_queue')} and job.singleton_key = this.lane and ${LIVE_IN_LANE}`
  // A delivery that waits has used the attempts before this one.
  const used = `case when job.started_on is null then 1 else ${attemptOf('job')} + 1 end`
  return `
create or replace function ${functionName(tables, 'supersede')}(of_queue text, of_id uuid) returns text
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  this record;
  newest record;
  ours uuid[];${HISTORY_VARIABLES}
begin
  select job.singleton_key as lane, job.data ->> 'type' as type into this from (
    ${byId(tables, { queue: 'of_queue', id: 'of_id' }, '*')} and job.state = 'active'
  ) job;
  if this.lane is null then return null; end if;
  select recent.id, recent.event into newest from (
    select job.id, job.data ->> 'event' as event, job.data ->> 'type' as type from ${delivery} job
    where ${inLane} and job.id > of_id order by job.id desc limit ${LOOKED_AT}
  ) recent where recent.type = this.type limit 1;
  if newest.id is null then return null; end if;

  ${readingTurn(tables)}
  with older as materialized (
    select job.ctid as row from ${delivery} job
    where ${inLane} and job.id > of_id and job.id < newest.id and job.data ->> 'type' = this.type and job.state::text in ('created', 'retry')
    order by job.id limit ${ENDED_AT_ONCE} for update skip locked
  ), gone as (
    delete from ${delivery} job where job.ctid = any(array(select older.row from older))
    returning job.id, ${clock} as started_on, ${HANDLER} as handler, ${used} as attempts, job.output
  ), ${writingHistory(tables, 'gone', { outcome: `'superseded'`, reason: `format('Event %s is newer.', newest.event)` })}
  select array_agg(gone.id) into ours from gone;
  if ours is not null then
    ${tellingOfEnds(tables, 'ours')}
    ${finishing(tables, 'ours')}
  end if;
  return newest.event;
end
$function$`
}
