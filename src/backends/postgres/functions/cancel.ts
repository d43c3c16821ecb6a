/**
 * The function that cancels an event which was published for later.
 *
 *   the event, locked ──► is it due? ──► no: its deliveries ──► rows of the history, as `cancelled`
 *                                            the event says so too (`due_at` is infinity), and the act is recorded
 *
 * The event's row is locked against everything that writes deliveries for it, such as a handler that comes to it in the log at this moment.
 * So this function misses no delivery. A delivery that is written afterwards ends as `cancelled` in its attempt, which reads the event.
 * Claims skip locked deliveries: if the event becomes due before the caller's transaction ends, its deliveries wait for that end.
 *
 * The event's finisher is cancelled as well: nothing has happened that a `finishedEvent` could follow.
 */
import type { Tables } from '../schema/tables.ts'
import { HISTORY_VARIABLES, readingTurn, writingHistory } from './history.ts'
import { ended } from './settle.ts'
import { FIXED_PLAN, functionName, HANDLER } from './sql.ts'
import { tellingOfEnds } from './watch.ts'

/** Returns `cancelled` and the number of deliveries, or why nothing was done: `too-late`, `not-delayed`, `unknown`. */
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
