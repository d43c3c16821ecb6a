/**
 * The functions that make the finisher of an event due: the delivery that publishes its `finishedEvent`.
 *
 *   publish ──► its deliveries, and that of the finisher, gated ──► a row of `finish`
 *   settle  ──► ended ──► the rows of `finish`, locked ──► does a delivery of the event go on? ──► no: the finisher is due, the row is deleted
 *
 * Two settles may end the last two deliveries of an event at the same moment, and neither sees that the other has. So each locks the
 * row first, and asks in a later statement: the second one sees what the first has committed. The rows are locked after the
 * deliveries, in the order of their seqs, so that settles cannot wait for each other in a circle.
 *
 * Handlers that read the log are done with an event when every cursor has passed it, also the cursors of handlers that do not listen to it.
 *
 * While no event has a finisher, a settle looks at one empty table.
 */
import { GOES_ON, jobsOf } from '../record/statuses.ts'
import type { Tables } from '../schema/tables.ts'
import { byId, FIXED_PLAN, functionName, GATED, OWN_PATH } from './sql.ts'

/** One sweep looks at up to this many events. */
const SWEPT_AT_ONCE = 1_000

export function finishFunctions(tables: Tables): readonly string[] {
  return [finishLaterFunction(tables), finishFunction(tables), finishSweepFunction(tables)]
}

/** SQL for a settle: the deliveries of `ids`, an array, have ended. */
export function finishing(tables: Tables, ids: string): string {
  const { finish, seqOfDelivery } = tables
  return `if exists (select from ${finish}) then
    perform ${functionName(tables, 'finish')}(array(select distinct ${seqOfDelivery}(one.id) from unnest(${ids}) as one (id)));
  end if;`
}

/** A publish calls it after it has written the deliveries. For an event that was published before, it notes nothing. */
function finishLaterFunction(tables: Tables): string {
  const { delivery, event, finish } = tables
  return `
create or replace function ${functionName(tables, 'finish_later')}(batch jsonb) returns integer language plpgsql ${OWN_PATH} as $function$
declare
  noted integer;
begin
  insert into ${finish} (seq, finisher, queue)
  select event.seq, job.id, job.name
  from jsonb_to_recordset(batch -> 'events') as input (id uuid, receivers integer)
  join jsonb_to_recordset(batch -> 'receivers') as receiver (set integer, handler_hash text, queue text, finishes text)
    on receiver.set = input.receivers and receiver.finishes = 'later'
  join ${event} event on event.id = input.id
  cross join lateral (
    select job.id, job.name from ${delivery} job
    where job.name = receiver.queue and job.id = (lpad(to_hex(event.seq), 16, '0') || receiver.handler_hash)::uuid
      and job.state::text = 'retry' and job.start_after = ${GATED}
  ) job
  on conflict do nothing;
  get diagnostics noted = row_count;
  return noted;
end
$function$`
}

/** Finds out which of these events have ended, and makes their finishers due. Returns how many. */
function finishFunction(tables: Tables): string {
  const { clock, channel, delivery, finish, logCursor } = tables
  return `
create or replace function ${functionName(tables, 'finish')}(ended bigint[]) returns integer language plpgsql ${FIXED_PLAN} as $function$
declare
  followed bigint[];
  rows tid[];
  one text;
begin
  select array_agg(held.seq) into followed from (
    select one_of.seq from ${finish} one_of where one_of.seq = any(ended) order by one_of.seq for update
  ) held;
  if followed is null then return 0; end if;

  followed := array(
    select one_of.seq from ${finish} one_of where one_of.seq = any(followed) and not exists (
      select from ${jobsOf(tables, 'one_of.seq')} where ${GOES_ON} and job.id <> one_of.finisher
    ) and not exists (
      select from ${logCursor} cursor where cursor.position < one_of.seq
    )
  );
  if followed = '{}' then return 0; end if;

  select array_agg(job.row) into rows from ${finish} one_of cross join lateral (
    ${byId(tables, { queue: 'one_of.queue', id: 'one_of.finisher' }, 'job.ctid as row')}
      and job.state::text = 'retry' and job.start_after = ${GATED} offset 0
  ) job where one_of.seq = any(followed);
  update ${delivery} job set start_after = ${clock} where job.ctid = any(rows);
  for one in with gone as (
    delete from ${finish} one_of where one_of.seq = any(followed) returning one_of.queue
  ) select distinct gone.queue from gone loop
    perform pg_notify('${channel}', one);
  end loop;
  return cardinality(followed);
end
$function$`
}

/** Finds events whose deliveries ended without a settle. Begins after `after_seq`, and returns where to go on; null if there are no more. */
function finishSweepFunction(tables: Tables): string {
  return `
create or replace function ${functionName(tables, 'finish_sweep')}(after_seq bigint) returns bigint language plpgsql ${FIXED_PLAN} as $function$
declare
  seqs bigint[];
  done integer;
begin
  seqs := array(select one_of.seq from ${tables.finish} one_of where one_of.seq > after_seq order by one_of.seq limit ${SWEPT_AT_ONCE});
  if seqs = '{}' then return null; end if;
  done := ${functionName(tables, 'finish')}(seqs);
  return case when cardinality(seqs) = ${SWEPT_AT_ONCE} then seqs[${SWEPT_AT_ONCE}] end;
end
$function$`
}
