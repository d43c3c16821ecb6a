/**
 * The function that rewinds a lane: from an event on, its handler gets this key's events again, in the order of publishing.
 *
 *   the key's events from there on, locked ──► what there is of each delivery
 *              done (in the history)        ──► a job again, under the same id, parked
 *              dead, and not dismissed      ──► revived, parked
 *              waits                        ──► stays as it is: it comes in its turn anyway
 *              none, or dismissed           ──► not for this handler, or given up
 *     ──► the head of the lane is promoted
 *
 * The id of a delivery begins with its event's seq, and ids give a lane its order. So a delivery that comes back takes
 * its old place, ahead of the deliveries that wait. The caller has paused the lane, and waited until no delivery of it ran. So no delivery
 * begins before all have come back. At the end, claims are held up for a moment: a claim that began to look before must not take the
 * delivery that was the head then.
 *
 * Events are locked, so that pruning does not take one whose delivery is being written. Letters are locked before deliveries, as in
 * other acts of operators.
 */
import { laneKeyInSql } from '../../../deliveries/lane-key.ts'
import { queueLockKey } from '../schema/advisory-locks.ts'
import type { Tables } from '../schema/tables.ts'
import { headOf } from './lane-rows.ts'
import { JOB_COLUMNS, jobValues } from './rows.ts'
import { PAYLOAD } from './sizes.ts'
import { attemptOf, byId, FIXED_PLAN, functionName } from './sql.ts'

/** Marks a delivery that was over and comes back. */
const AGAIN = `'again', 'rewind'`

/** Returns how many deliveries come back. `is_preview`: only counts. `ends_pause`: also ends the caller's pause of the lane. */
export function rewindFunction(tables: Tables): string {
  const { clock, deadLetter, delivery, event, handler, history, names, ownQueue, queue } = tables
  const id = (seq: string) => `(lpad(to_hex(${seq}), 16, '0') || handler_hash)::uuid`
  const number = `(select one.number from ${handler} one where one.name = of_handler)`
  const jobs = (ids: string, columns: string) =>
    `unnest(queues) as used (queue) cross join unnest(${ids}) as asked (id) cross join lateral (
      ${byId(tables, { queue: 'used.queue', id: 'asked.id' }, columns)}`
  return `
create or replace function ${functionName(tables, 'rewind')}(
  of_handler text, handler_hash text, of_queue text, of_priority integer, of_key text, from_seq bigint, is_preview boolean, ends_pause boolean
) returns integer
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  of_lane text := ${laneKeyInSql('of_handler', 'of_key')};
  queues text[] := array(select own.name from ${ownQueue} own where own.name like '%\\_partitioned');
  seqs bigint[];
  dead uuid[];
  existing uuid[];
  rows tid[];
  again integer;
  written integer;
begin
  perform pg_current_xact_id(); -- before the clock dates what is written: see marks.ts
  seqs := array(
    select event.seq from ${event} event where event.seq >= from_seq and event.partition_key = of_key order by event.seq
  );
  select array_agg(held.seq) into seqs from unnest(seqs) as asked (seq) cross join lateral (
    select event.seq from ${event} event where event.seq = asked.seq for key share
  ) held;

  select array_agg(letter.delivery_id) into dead from unnest(seqs) as asked (seq) cross join lateral (
    select letter.delivery_id from ${deadLetter} letter
    where letter.delivery_id = ${id('asked.seq')} and letter.dismissed_at is null for update
  ) letter;
  perform from unnest(queues) as used (queue) cross join lateral (
    ${headOf(tables, { queue: 'used.queue', lane: 'of_lane' }, 'job.id')} for update
  ) head;

  select array_agg(found.row) into rows from ${jobs('dead', 'job.ctid as row')} and job.state::text in ('failed', 'retry') for update
    ) found;
  select array_agg(found.id) into existing
  from unnest(queues) as used (queue) cross join unnest(seqs) as asked (seq) cross join lateral (
    ${byId(tables, { queue: 'used.queue', id: id('asked.seq') }, 'job.id')} offset 0
  ) found;
  select array_agg(asked.seq) into seqs from unnest(seqs) as asked (seq)
  where not ${id('asked.seq')} = any(coalesce(existing, '{}'))
    and exists (select from ${history} done where done.seq = asked.seq and done.handler = ${number});
  if is_preview then return coalesce(cardinality(rows), 0) + coalesce(cardinality(seqs), 0); end if;

  with revived as (
    update ${delivery} job set
      state = 'retry', start_after = ${clock}, completed_on = null, heartbeat_on = null, blocked = true, group_tier = null,
      retry_limit = job.retry_limit + case when job.started_on is null then 0 else ${attemptOf('job')} end,
      data = job.data || jsonb_build_object(${AGAIN})
    where job.ctid = any(rows)
    returning job.id
  ), gone as (
    delete from ${deadLetter} letter using revived where letter.delivery_id = revived.id
  )
  select count(*) into again from revived;

  insert into ${delivery} (${JOB_COLUMNS}, blocked) select ${jobValues(tables, { also: ` || array[${AGAIN}]` })}, true
  from unnest(seqs) as stored (seq)
  cross join lateral (
    select event.id, event.type, event.partition_key, ${PAYLOAD} from ${event} event where event.seq = stored.seq offset 0
  ) input
  cross join (select of_handler as handler, handler_hash as handler_hash, of_priority as priority, of_queue as queue) receiver
  left join ${queue} queue on queue.name = receiver.queue;
  get diagnostics written = row_count;

  perform pg_advisory_xact_lock(${queueLockKey('claim', names, 'of_queue')});
  if ends_pause then
    perform ${functionName(tables, 'resume')}('lane', of_lane);
  end if;
  return again + written;
end
$function$`
}
