/**
 * The functions that delete events of any age, once nothing waits for them: events that an operator chose, and events past their time.
 *
 *   chosen ──► locked ──► their deliveries, none of which waits or runs ──► locked, counted again ──► deleted, with their history
 *                         their dead letters, none of which is open
 *
 * As in `prune.ts`, an event that cannot be locked at once stays, and the statements that count have a newer snapshot than the
 * statements that locked. So a delivery that is retried, replayed or written again meanwhile keeps its event.
 */
import type { Tables } from '../schema/tables.ts'
import { FIXED_PLAN, functionName, passedByReaders } from './sql.ts'

/** The first or last id that can belong to an event. */
function bound(seq: string, end: '0' | 'f'): string {
  return `(lpad(to_hex(${seq}), 16, '0') || repeat('${end}', 16))::uuid`
}

/** Returns the seqs of the events that were deleted. */
export function eraseFunction(tables: Tables): string {
  const { deadLetter, delivery, event, history, lookup, ownQueue, seqOfDelivery, watch } = tables
  const ofOne = (id: string) => `${id} >= ${bound('asked.seq', '0')} and ${id} <= ${bound('asked.seq', 'f')}`
  const jobs = `from unnest(queues) as used (queue) cross join unnest(seqs) as asked (seq) cross join lateral (
      select job.ctid as row, job.id from ${delivery} job where job.name = used.queue and ${ofOne('job.id')}`
  const letters = `from unnest(seqs) as asked (seq) cross join lateral (
      select letter.ctid as row, letter.delivery_id from ${deadLetter} letter where ${ofOne('letter.delivery_id')}`
  return `
create or replace function ${functionName(tables, 'erase')}(chosen bigint[]) returns bigint[]
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  seqs bigint[];
  queues text[] := array(select own.name from ${ownQueue} own);
  over tid[];
  dismissed tid[];
  kept bigint[];
  rows tid[];
begin
  select array_agg(held.seq) into seqs from unnest(chosen) as asked (seq) cross join lateral (
    select event.seq from ${event} event where event.seq = asked.seq for update skip locked
  ) held;
  if seqs is null then return '{}'; end if;

  select array_agg(job.row) into over ${jobs}
      and (job.state::text in ('completed', 'cancelled') or job.state::text = 'failed' and not exists (
        select from ${deadLetter} letter where letter.delivery_id = job.id and letter.dismissed_at is null
      ))
      for update skip locked
    ) job;
  select array_agg(letter.row) into dismissed ${letters} and letter.dismissed_at is not null for update skip locked
    ) letter;

  -- Asked in later statements than they were locked: what is there now, and was not locked, keeps its event.
  kept := array(select distinct ${seqOfDelivery}(job.id) ${jobs} offset 0
    ) job where job.row <> all (coalesce(over, '{}')));
  kept := kept || array(select distinct ${seqOfDelivery}(letter.delivery_id) ${letters} offset 0
    ) letter where letter.row <> all (coalesce(dismissed, '{}')));
  seqs := array(select asked.seq from unnest(seqs) as asked (seq) where asked.seq <> all (kept));

  rows := array(select job.row ${jobs} offset 0) job);
  delete from ${delivery} job where job.ctid = any(rows);
  rows := array(select letter.row ${letters} offset 0) letter);
  delete from ${deadLetter} letter where letter.ctid = any(rows);
  delete from ${history} done where done.seq = any(seqs);
  delete from ${lookup} one where one.seq = any(seqs);
  delete from ${watch} one where one.seq = any(seqs);
  delete from ${event} event where event.seq = any(seqs);
  return seqs;
end
$function$`
}

/**
 * Deletes events past their ttl, or past the time for which their type keeps them. Returns how many, and whether there may be more. Goes on
 * where the call before ended, and begins again at the end.
 */
export function pruneExpiredFunction(tables: Tables): string {
  const { event, names, pruning } = tables
  const past = (over: string) => `(
      select event.${over} as over_at, event.seq from ${event} event
      where event.${over} is not null and (event.${over}, event.seq) > (place.expired_at, place.expired_seq)
        and event.${over} < least("${names.pgboss}".job_now(), clock_timestamp())
        and event.seq <= (${passedByReaders(tables)})
      order by event.${over}, event.seq limit batch
    )`
  return `
create or replace function ${functionName(tables, 'prune_expired')}(batch integer) returns table (pruned integer, more boolean)
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  place record;
  times timestamptz[];
  seqs bigint[];
  gone bigint[];
begin
  select * into place from ${pruning} for update skip locked;
  if not found then return; end if;
  perform set_config('synchronous_commit', 'off', true); -- what a crash brings back is pruned again
  select array_agg(past.over_at), array_agg(past.seq) into times, seqs from (
    ${past('expires_at')}
    union all
    ${past('retained_until')}
    order by 1, 2 limit batch
  ) past;
  more := coalesce(cardinality(seqs), 0) = batch;
  gone := case when seqs is null then '{}' else ${functionName(tables, 'erase')}(seqs) end;
  update ${pruning} set expired_at = case when more then times[batch] else '-infinity' end,
    expired_seq = case when more then seqs[batch] else 0 end;
  pruned := cardinality(gone);
  return next;
end
$function$`
}
