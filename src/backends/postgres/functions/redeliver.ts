/**
 * The functions that give stored events to one handler: again (a replay), or for the first time (a backfill). One call writes a batch
 * and its place in the log, in one transaction: a process that dies has done both, or neither.
 *
 *   from ──► the events that were chosen, their rows locked ──► what there is of each delivery
 *              replay     nothing, or done    ──► a job under the same id
 *                         dead                ──► its retry
 *                         waits or runs       ──► passed over
 *              backfill   nothing at all      ──► a job
 *                         else                ──► passed over; a gated delivery becomes due later, see `releaseFunction`
 *
 * The id of a delivery begins with its event's seq, which decides its place in the lane, as for the delivery of a transaction that
 * has committed late: it is parked behind the running delivery, and the waiting deliveries are parked behind it.
 *
 * The events' rows are locked, so that pruning does not take an event whose delivery is being written. The transaction has its id before
 * the clock dates the deliveries, for the marks of claims.
 *
 * A dead delivery that is locked at this moment is passed over: to wait for it while holding other locks could be a deadlock. A dead
 * delivery that is retried is due a moment later than the others: see `releaseFunction` for what could overtake them otherwise.
 */
import type { Tables } from '../schema/tables.ts'
import { JOB_COLUMNS, jobValues } from './rows.ts'
import { PAYLOAD } from './sizes.ts'
import { attemptOf, byId, FIXED_PLAN, functionName, GATED, HANDLER, HELD, OWN_PATH, readsLog } from './sql.ts'

export function redeliverFunctions(tables: Tables): readonly string[] {
  return [replayFunction(tables), backfillFunction(tables), releaseFunction(tables)]
}

/** Longer than it takes from the last statement of a batch to its commit. */
const A_MOMENT = `interval '1 s'`

/** The parameters of both: the handler, where its jobs go, the part of the log that this batch covers, and the events chosen from it. */
const TAKES = `of_handler text, handler_hash text, of_queue text, of_priority integer, of_runner uuid,
  from_seq bigint, upto_seq bigint, chosen bigint[]`

/** Whether events with a key go to its lane. Workers of older releases leave this out. */
const ORDER = `is_ordered boolean default true`

/** SQL: drops the function without `is_ordered`. With one parameter more, it is another function. */
function withoutOrder(tables: Tables, name: string, took: string): string {
  return `drop function if exists ${functionName(tables, name)}(${took});`
}

const VARIABLES = `
  queues text[];
  seqs bigint[];
  existing uuid[];
  reads_log boolean;
  one text;`

/** SQL: locks the events, and finds the queues that may hold deliveries of them: a handler may have changed its queue. */
function holding(tables: Tables): string {
  const { delivery, event, ownQueue } = tables
  return `reads_log := ${readsLog(tables, 'of_handler')};
  with recursive used as (
      (select job.name from ${delivery} job order by job.name limit 1)
      union all
      select following.name from used cross join lateral (
        select job.name from ${delivery} job where job.name > used.name order by job.name limit 1
      ) following
    ) select array_agg(used.name) into queues from used join ${ownQueue} own on own.name = used.name;
  select array_agg(held.seq) into seqs from unnest(chosen) as asked (seq) cross join lateral (
    select event.seq from ${event} event where event.seq = asked.seq for no key update
  ) held;`
}

const ID = (seq: string) => `(lpad(to_hex(${seq}), 16, '0') || handler_hash)::uuid`

/** SQL: the jobs of `seqs`, in any state. `offset` makes each look-up a probe of the primary key: a join would read the queue for each event. */
function jobsOf(tables: Tables, columns: string, { where = '', lock = '' } = {}): string {
  return `unnest(seqs) as asked (seq) cross join unnest(queues) as used (queue) cross join lateral (
      ${byId(tables, { queue: 'used.queue', id: ID('asked.seq') }, columns)} ${where} offset 0 ${lock}
    ) found`
}

/** SQL: writes jobs for the events of `seqs` that have none. */
function inserting(tables: Tables, replay: string): string {
  const { clock, delivery, event, queue, seqOfDelivery } = tables
  const isEarly = `coalesce(input.due_at > ${clock}, false)`
  const also = ` || case when ${replay} is not null then array['replay', (${replay})::text] end`
  return `insert into ${delivery} (${JOB_COLUMNS}) select ${jobValues(tables, { also, isGated: `(reads_log or ${isEarly})`, gate: `case when ${isEarly} then input.due_at else ${HELD} end` })}
    from unnest(seqs) as stored (seq)
    cross join lateral (
      select event.id, event.type, event.partition_key, event.due_at, ${PAYLOAD} from ${event} event where event.seq = stored.seq offset 0
    ) input
    cross join lateral (
      select of_handler as handler, handler_hash, of_priority as priority,
        of_queue || case when input.partition_key is null or not is_ordered then '' else '_partitioned' end as queue
    ) receiver
    left join ${queue} queue on queue.name = receiver.queue
    where input.due_at is distinct from 'infinity' and not stored.seq = any(select ${seqOfDelivery}(one_of.id) from unnest(existing) as one_of (id))
    on conflict do nothing`
}

function waking({ channel }: Tables): string {
  return `foreach one in array array[of_queue, of_queue || '_partitioned'] || queues loop
    perform pg_notify('${channel}', one);
  end loop;`
}

/** Returns no row if the caller may not go on with the replay: it was paused, cancelled, or taken over. */
function replayFunction(tables: Tables): string {
  const { clock, deadLetter, delivery, replay } = tables
  const isOver = `job.state::text in ('failed', 'completed', 'cancelled') or job.state::text = 'retry' and job.start_after = 'infinity'`
  return `
${withoutOrder(tables, 'replay_batch', 'uuid, text, text, text, integer, uuid, bigint, bigint, bigint[], integer')}
create or replace function ${functionName(tables, 'replay_batch')}(of_replay uuid, ${TAKES}, looked integer, ${ORDER})
returns table (replayed integer, retried integer, skipped integer) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  over uuid[];
  rows tid[];${VARIABLES}
begin
  perform pg_current_xact_id();
  update ${replay} one_of set after_seq = upto_seq, moved_at = ${clock}, examined = one_of.examined + looked
  where one_of.id = of_replay and one_of.runner = of_runner and one_of.state = 'running' and one_of.after_seq = from_seq;
  if not found then return; end if;
  replayed := 0;
  retried := 0;
  skipped := 0;
  if chosen <> '{}' then
    ${holding(tables)}
    select array_agg(found.id), array_agg(found.id) filter (where found.is_over) into existing, over
    from ${jobsOf(tables, `job.id, (${isOver}) as is_over`)};
    ${inserting(tables, 'of_replay')};
    get diagnostics replayed = row_count;

    if over is not null then
      delete from ${deadLetter} letter where letter.delivery_id = any(over);
      select array_agg(found.row) into rows from ${jobsOf(tables, 'job.ctid as row', {
        where: `and job.id = any(over) and (${isOver})`,
        lock: 'for update skip locked',
      })};
      update ${delivery} job set
        state = 'retry', start_after = case when reads_log then ${HELD} else ${clock} + ${A_MOMENT} end, completed_on = null, heartbeat_on = null, blocked = false, group_tier = null,
        retry_limit = job.retry_limit + case when job.started_on is null then 0 else ${attemptOf('job')} end,
        data = job.data || jsonb_build_object('replay', of_replay)
      where job.ctid = any(rows);
      get diagnostics retried = row_count;
    end if;
    skipped := coalesce(cardinality(seqs), 0) - replayed - retried;
    update ${replay} one_of set replayed = one_of.replayed + replay_batch.replayed, retried = one_of.retried + replay_batch.retried,
      skipped = one_of.skipped + replay_batch.skipped
    where one_of.id = of_replay;
    ${waking(tables)}
  end if;
  return next;
end
$function$`
}

/**
 * Returns whether deliveries of this handler wait for its backfill. Publishers ask for handlers that have one. It runs with its
 * owner's rights, so that a publisher needs none on the backfills.
 */
export function isGatedFunction(tables: Tables): string {
  return `
create or replace function ${functionName(tables, 'is_gated')}(of_handler text) returns boolean
language plpgsql security definer ${OWN_PATH} as $function$
begin
  return not exists (select from ${tables.backfill} one where one.handler = of_handler and one.state = 'done');
end
$function$`
}

/** Returns no row when another worker has taken the backfill over. `is_history`: the handler is told that it is a replay. */
function backfillFunction(tables: Tables): string {
  const { backfill, clock, handler, history } = tables
  const number = `(select one_of.number from ${handler} one_of where one_of.name = of_handler)`
  return `
${withoutOrder(tables, 'backfill_batch', 'text, text, text, integer, uuid, bigint, bigint, bigint[], boolean')}
create or replace function ${functionName(tables, 'backfill_batch')}(${TAKES}, is_history boolean, ${ORDER})
returns table (delivered integer) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  this_backfill uuid;${VARIABLES}
begin
  perform pg_current_xact_id();
  update ${backfill} one_of set after_seq = upto_seq
  where one_of.handler = of_handler and one_of.runner = of_runner and one_of.after_seq = from_seq and one_of.state <> 'done'
  returning one_of.id into this_backfill;
  if not found then return; end if;
  delivered := 0;
  if chosen <> '{}' then
    ${holding(tables)}
    select array_agg(found.id) into existing from ${jobsOf(tables, 'job.id')};
    seqs := array(
      select asked.seq from unnest(seqs) as asked (seq) where not exists (
        select from ${history} done where done.seq = asked.seq and done.handler = ${number}
      )
    );
    ${inserting(tables, 'case when is_history then this_backfill end')};
    get diagnostics delivered = row_count;
  end if;
  if delivered > 0 then
    update ${backfill} one_of set delivered = one_of.delivered + backfill_batch.delivered,
      missed_at = case when is_history then one_of.missed_at else ${clock} end
    where one_of.handler = of_handler;
    ${waking(tables)}
  end if;
  return next;
end
$function$`
}

/**
 * Makes gated deliveries up to `upto_seq` due, whether their events were chosen or not: their publisher has asked the handler.
 *
 * Call it when every transaction has ended that had an id when the batch up to there was committed, and not in the transaction of the
 * batch. Otherwise lanes lose their order: a settle finds the head of its lane with one snapshot, and locks it. If it has to wait for
 * the lock, it gets the row as it is then: due, although the lane now has an older delivery that the snapshot does not show.
 */
function releaseFunction(tables: Tables): string {
  const { backfill, clock, delivery } = tables
  const bound = (seq: string, end: '0' | 'f') => `(lpad(to_hex(${seq}), 16, '0') || repeat('${end}', 16))::uuid`
  return `
create or replace function ${functionName(tables, 'backfill_release')}(of_handler text, of_queue text, of_runner uuid, upto_seq bigint)
returns integer language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  place record;
  upto bigint;
  released integer;
  one text;
begin
  select one_of.released_seq, one_of.after_seq into place from ${backfill} one_of
  where one_of.handler = of_handler and one_of.runner = of_runner for update;
  if not found then return 0; end if;
  upto := least(upto_seq, place.after_seq);
  update ${backfill} one_of set released_seq = greatest(one_of.released_seq, upto) where one_of.handler = of_handler;
  update ${delivery} job set start_after = ${clock} where job.ctid = any(array(
    select gated.row from unnest(array[of_queue, of_queue || '_partitioned']) as used (queue) cross join lateral (
      select job.ctid as row from ${delivery} job
      where job.name = used.queue and job.id >= ${bound('place.released_seq + 1', '0')} and job.id <= ${bound('upto', 'f')}
        and job.state::text = 'retry' and job.start_after = ${GATED} and ${HANDLER} = of_handler
      for update
    ) gated
  ));
  get diagnostics released = row_count;
  if released > 0 then
    foreach one in array array[of_queue, of_queue || '_partitioned'] loop
      perform pg_notify('${tables.channel}', one);
    end loop;
  end if;
  return released;
end
$function$`
}
