/**
 * The function by which a worker stores what became of the events that it read: one call, one transaction.
 *
 *   cursors ──► those that are still ours, at the position that we know, locked ──► moved on
 *           └─► jobs, of those only      behind: due, in its lane, for a claim; at its time, if it was published for later
 *                                        held:   in its lane, and not due (`HELD`): its run goes on here, or has failed
 *   ended   ──► of held jobs: done, passed: deleted · retry, later, awaiting: due at its time · dead: a dead letter
 *   passed  ──► rows of the history
 *
 * A cursor is ours by its owner and its fence. Nothing else moves it while it is ours, so its position tells whether this call was made before: a
 * cursor that has moved already is acknowledged, and nothing is written again. Jobs in `ended` are fenced by being held: a job that
 * has ended is not held any more.
 *
 * So a job exists only if the cursor has passed its event, and an event that a cursor has passed is done, skipped, expired or a job. A job
 * that was over before a cursor was moved back begins again.
 *
 * Cursors are locked in the order of the call, which is the order of their names, so that two calls do not wait in a circle.
 */
import type { Tables } from '../schema/tables.ts'
import { awaitingAfter } from './awaiting.ts'
import { HISTORY_VARIABLES, readingTurn } from './history.ts'
import { buryingDeliveries, UNLESS_BURIED } from './letters.ts'
import { JOB_COLUMNS, jobValues } from './rows.ts'
import { byId, FIXED_PLAN, functionName, HANDLER, HELD, withError } from './sql.ts'
import { PAYLOAD } from './sizes.ts'

/** One call looks at up to this many events that have a finisher. A worker's look now and then finds the others. */
const FINISHED_AT_ONCE = 1_000

/**
 * The arrays have one element for each cursor: its handler, shard and fence, the positions between which it moves, and where its jobs go. Each
 * row of `jobs`, `ended` and `passed` names its element by its `place`, counted from 1. Returns the places of the cursors that were ours.
 */
const TAKES = `me uuid, handlers text[], shards integer[], fences bigint[], from_seqs bigint[], to_seqs bigint[],
  hashes text[], queues text[], priorities integer[], jobs jsonb, ended jsonb, passed jsonb`

export function logAcknowledgeFunction(tables: Tables): string {
  const { channel, clock, delivery, endChannel, finish, logCursor, names, watch } = tables
  return `
create or replace function ${functionName(tables, 'log_acknowledge')}(${TAKES}) returns table (acknowledged integer)
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  rows tid[];
  ours integer[];
  known integer[];
  ends tid[];
  ends_of jsonb;
  lanes text[];
  lane_queues text[];
  one text;${HISTORY_VARIABLES}
begin
  select array_agg(held.row order by moving.place) filter (where held.place = moving.from_seq),
    array_agg(moving.place order by moving.place) filter (where held.place = moving.from_seq),
    array_agg(moving.place order by moving.place)
  into rows, ours, known
  from unnest(handlers, shards, fences, from_seqs, to_seqs) with ordinality as moving (handler, shard, fence, from_seq, to_seq, place)
  cross join lateral (
    select one.ctid as row, one.position as place from ${logCursor} one
    where one.handler = moving.handler and one.shard = moving.shard and one.owner = me and one.fence = moving.fence
      and one.position in (moving.from_seq, moving.to_seq)
    for no key update
  ) held;
  if known is null then return; end if;

  update ${logCursor} one set position = moved.to_seq, moved_at = ${clock},
    deaths = case when moved.to_seq > one.position then 0 else one.deaths end
  from unnest(rows, ours) as moved_row (row, place) cross join lateral (select to_seqs[moved_row.place] as to_seq) moved
  where one.ctid = moved_row.row;

  if jobs is not null and ours is not null then
    ${writingJobs(tables)}
  end if;
  if ended is not null or passed is not null then
    ${readingTurn(tables)}
  end if;
  if ended is not null then
    ${endingHeld(tables)}
  end if;
  if passed is not null and ours is not null then
    insert into ${tables.history} (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
    select gone.seq, ${clock}, coalesce(gone.took_ms, 0), turn, ${functionName(tables, 'handler_number')}(handlers[gone.place]),
      case when gone.outcome in ('expired', 'cancelled', 'superseded') then 0 end, gone.outcome, jsonb_build_object('reason', gone.reason)
    from jsonb_to_recordset(passed) as gone (place integer, seq bigint, took_ms integer, outcome text, reason text)
    where gone.place = any(ours);
  end if;

  if lanes is not null then
    for one in select distinct lane.queue from unnest(lane_queues) as lane (queue) loop
      perform ${functionName(tables, 'promote')}(one, (
        select array_agg(lane.name) from unnest(lanes, lane_queues) as lane (name, queue) where lane.queue = one
      ));
      perform pg_notify('${channel}', one);
    end loop;
  end if;
  if exists (select from ${watch}) then
    perform pg_notify('${endChannel}', '*');
  end if;
  if exists (select from ${finish}) then
    perform ${functionName(tables, 'finish')}(array(
      select one_of.seq from ${finish} one_of
      where one_of.seq > (select min(moving.seq) from unnest(from_seqs) as moving (seq))
        and one_of.seq <= (select max(moving.seq) from unnest(to_seqs) as moving (seq))
      order by one_of.seq limit ${FINISHED_AT_ONCE}
    ));
  end if;
  return query select unnest(known);
end
$function$`

  /** SQL: writes a job for each event of `jobs`. A row of `ended`, in this call or a later one, says what becomes of a held job. */
  function writingJobs({ event, queue, deadLetter }: Tables): string {
    const also = ` || case when job.replay is not null then array['replay', job.replay] end`
    const receiver = `select handlers[job.place] as handler, hashes[job.place] as handler_hash, priorities[job.place] as priority,
        queues[job.place] || case when input.partition_key is null then '' else '_partitioned' end as queue`
    const isEarly = `coalesce(input.due_at > ${clock} and input.due_at < 'infinity', false)`
    return `with written as (
      insert into ${delivery} as job (${JOB_COLUMNS}, started_on)
      select ${jobValues(tables, { also, isGated: `(job.is_held or ${isEarly})`, gate: `case when job.is_held then ${HELD} else input.due_at end` })}, case when job.is_held then ${tables.jobNow} end
      from jsonb_to_recordset(jobs) as job (place integer, seq bigint, is_held boolean, replay text)
      cross join lateral (
        select event.id, event.type, event.partition_key, event.due_at, ${PAYLOAD} from ${event} event where event.seq = job.seq for key share
      ) input
      cross join lateral (select job.seq) stored
      cross join lateral (${receiver}) receiver
      left join ${queue} queue on queue.name = receiver.queue
      where job.place = any(ours)
      on conflict (name, id) do update set state = excluded.state, start_after = excluded.start_after, started_on = excluded.started_on,
        completed_on = null, heartbeat_on = null, blocked = false, group_tier = null, output = null, retry_count = 0,
        retry_limit = excluded.retry_limit, data = excluded.data
      where job.state in ('completed', 'cancelled', 'failed')
      returning job.id, job.name, job.state = 'created' as is_due
    ), told as (
      select pg_notify('${channel}', due.name) from (select distinct written.name from written where written.is_due) due
    ), buried as (
      delete from ${deadLetter} letter where letter.delivery_id = any(array(select written.id from written))
    )
    select count(*)::text from told into one;`
  }

  function endingHeld({ seqOfDelivery }: Tables): string {
    const end = 'ends_of -> job.id::text'
    const isHeld = `job.state::text = 'retry' and job.start_after = ${HELD}`
    const ID = `(lpad(to_hex(ending.seq), 16, '0') || hashes[ending.place])::uuid`
    return `select array_agg(found.row), jsonb_object_agg(found.id::text, to_jsonb(ending))
    into ends, ends_of
    from jsonb_to_recordset(ended) as ending (
      place integer, seq bigint, in_lane boolean, outcome text, passed_as text, delay_ms float8, error jsonb, reason text, blocks boolean
    )
    cross join lateral (
      ${byId(
        tables,
        {
          queue: `queues[ending.place] || case when ending.in_lane then '_partitioned' else '' end`,
          id: ID,
        },
        'job.ctid as row, job.id',
      )} and ${isHeld} for update
    ) found
    where ending.place = any(known);
    if ends is not null then
      with done as (
        delete from ${delivery} job where job.ctid = any(ends) and ${end} ->> 'outcome' in ('done', 'passed')
        returning job.name, job.singleton_key, job.id, job.started_on, ${HANDLER} as handler, ${end} as ending
      ), kept as (
        insert into ${tables.history} (seq, ended_at, took_ms, turn, handler, outcome, detail)
        select ${seqOfDelivery}(done.id), ${clock}, least(extract(epoch from ${clock} - done.started_on) * 1000, 2147483647)::integer, turn,
          ${functionName(tables, 'handler_number')}(done.handler), done.ending ->> 'passed_as',
          jsonb_build_object('reason', done.ending ->> 'reason')
        from done where done.ending ->> 'outcome' = 'passed'
      ), changed as (
        update ${delivery} job set
          state = (case when ${end} ->> 'outcome' = 'dead' and not (${end} ->> 'blocks')::boolean then 'failed' else 'retry' end)::"${names.pgboss}".job_state,
          completed_on = case when ${end} ->> 'outcome' = 'dead' and not (${end} ->> 'blocks')::boolean then ${clock} end,
          start_after = case
            when ${end} ->> 'outcome' in ('retry', 'later', 'awaiting') then ${clock} + (${end} ->> 'delay_ms')::float8 * interval '1 ms'
            when (${end} ->> 'blocks')::boolean then 'infinity'
            else ${clock} end,
          retry_limit = job.retry_limit + case when ${end} ->> 'outcome' in ('later', 'awaiting') then 1 else 0 end,
          data = ${awaitingAfter(`${end} ->> 'outcome'`)},
          output = ${withError('job.output', `(${end} -> 'error')`)}
        where job.ctid = any(ends) and ${end} ->> 'outcome' not in ('done', 'passed')
        returning job.id, job.name, job.singleton_key, job.data, job.output, ${end} as ending
      ), letters as (
        ${buryingDeliveries(tables, { reason: `changed.ending ->> 'reason'`, blocks: `(changed.ending ->> 'blocks')::boolean` })}
        where changed.ending ->> 'outcome' = 'dead'
        ${UNLESS_BURIED}
      ), over as (
        select changed.name, changed.singleton_key from changed union all select done.name, done.singleton_key from done
      )
      select array_agg(over.singleton_key) filter (where over.singleton_key is not null),
        array_agg(over.name) filter (where over.singleton_key is not null)
      into lanes, lane_queues from over;
    end if;`
  }
}
