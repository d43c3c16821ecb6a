/**
 * The function that cancels an event which was published for later.
 *
 *   the event, held ──► is it due? ──► no: its deliveries ──► rows of the history, as `cancelled`
 *                                          the event says so too (`due_at` is infinity), and the act is recorded
 *
 * The event is held against all who write deliveries for it, so none is written that this does not see: a handler that reads the log may
 * come to it at this moment. What could be written afterwards is `cancelled` by the attempt, which reads the event. A claim passes over
 * deliveries that are held: if the caller's transaction takes until the event is due, they wait for its end.
 *
 * Its finisher goes as well: nothing has happened that another event could follow.
 */
import type { Tables } from '../schema/tables.ts'
import { HISTORY_VARIABLES, readingTurn, writingHistory } from './history.ts'
import { ended } from './settle.ts'
import { FIXED_PLAN, functionName, HANDLER } from './sql.ts'
import { tellingOfEnds } from './watch.ts'

/** Returns `cancelled` and how many deliveries that were, or why nothing was done: `too-late`, `not-delayed`, `unknown`. */
export function cancelFunction(tables: Tables): string {
  const { act, clock, delivery, event, finish, ownQueue } = tables
  const bound = (end: '0' | 'f') => `(lpad(to_hex(held.seq), 16, '0') || repeat('${end}', 16))::uuid`
  const reason = `concat_ws(': ', 'cancelled by ' || coalesce(cancelled_by, 'the application'), because)`
  return `
create or replace function ${functionName(tables, 'cancel')}(of_event uuid, cancelled_by text, because text) returns text
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  held record;
  rows tid[];
  ids uuid[];
  cancelled integer;
  written integer;${HISTORY_VARIABLES}
begin
  select event.seq, event.due_at into held from ${event} event where event.id = of_event for update;
  if not found then return 'unknown'; end if;
  if held.due_at is null then return 'not-delayed'; end if;
  if held.due_at = 'infinity' then return 'cancelled 0'; end if;
  if held.due_at <= ${clock} then return 'too-late'; end if;
  update ${event} event set due_at = 'infinity' where event.seq = held.seq;

  select array_agg(found.row), array_agg(found.id), count(*) filter (where found.handler not like 'postbus.finished.%')
  into rows, ids, cancelled
  from ${ownQueue} own cross join lateral (
    select job.ctid as row, job.id, ${HANDLER} as handler from ${delivery} job
    where job.name = own.name and job.id >= ${bound('0')} and job.id <= ${bound('f')} and job.state::text in ('created', 'retry')
    for update
  ) found;
  ${readingTurn(tables)}
  with gone as (
    delete from ${delivery} job where job.ctid = any(rows) returning ${ended(`coalesce(job.started_on, ${clock})`)}
  ), ${writingHistory(tables, 'gone', { outcome: `'cancelled'`, reason })}
  select count(*) into written from gone;
  delete from ${finish} one_of where one_of.seq = held.seq;
  ${tellingOfEnds(tables, 'ids')}
  insert into ${act} (act, filter, by, reason, count)
  values ('cancel', jsonb_build_object('event', of_event), cancelled_by, because, cancelled);
  return 'cancelled ' || cancelled;
end
$function$`
}
