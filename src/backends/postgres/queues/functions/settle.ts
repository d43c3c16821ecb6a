/**
 * The functions that end attempts, a group of them at once: `settle` of a queue without keys, and of a partitioned one.
 * Most are done, and there is no more to say of them: their ids and claims stand in arrays. The others come as JSON, with
 * what is to be written about them.
 *
 * Every row is fenced by its claim (`claimOf`) and must still be active: a worker whose claim was taken over changes
 * nothing. A dead letter is written in the statement that ends its delivery, so there is no moment in which a delivery is
 * neither waiting nor a dead letter.
 *
 * In a partitioned queue, whatever ends makes way for the head of its lane: in the same transaction, but in a later
 * statement, whose snapshot sees what was published and parked meanwhile. The head is claimed for the same worker unless
 * that wants to leave it to others (`ends_run`); then it is promoted if it was parked.
 */
import {
  activatedInOrder,
  byId,
  claimOf,
  DELIVERY,
  DELIVERY_COLUMNS,
  FIXED_PLAN,
  functionName,
  headOf,
  itsEvent,
  NO_DELIVERY,
  withError,
  type QueueParts,
} from './sql.ts'

const TAKES = 'done uuid[], claims float8[], others jsonb'

export function settleFunction(parts: QueueParts): string {
  return `
create or replace function ${functionName(parts, 'settle')}(${TAKES}) returns table (settled uuid)
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  claimed record;
  ours uuid[];
begin
  ${end(parts, (ended) => `select ours || array_agg(${ended}.id) into ours from ${ended}`)}
  return query select unnest(ours);
end
$function$`
}

export function settleLanesFunction(parts: QueueParts): string {
  const { table, tables } = parts
  // Of the clock too: what was published since this transaction began is due, though its now() is older.
  const due = `head.state < 'active' and head.start_after <= greatest(${tables.jobNow}, clock_timestamp())`
  const taken = `${due} and not ended.id = any(ends_run)`
  const collect = (ended: string) => `select ours || array_agg(${ended}.id), lanes || array_agg(${ended}.singleton_key)
    into ours, lanes from ${ended}`
  return `
create or replace function ${functionName(parts, 'settle')}(${TAKES}, ends_run uuid[])
returns table (settled uuid, more boolean, ${DELIVERY_COLUMNS}
) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  claimed record;
  ours uuid[];
  lanes text[];
  taken tid[];
  promoted tid[];
  more boolean;
begin
  ${end(parts, collect)}

  select
    array_agg(case when ${taken} then head.row end),
    array_remove(array_agg(case when head.blocked and not (${taken}) then head.row end), null),
    coalesce(bool_or(${due} and ended.id = any(ends_run)), false)
  into taken, promoted, more
  from unnest(ours, lanes) as ended (id, lane)
  left join lateral (
    ${headOf(parts, 'ended.lane', 'job.ctid as row, job.state, job.blocked, job.start_after')} for update
  ) head on true;

  if promoted <> '{}' then
    update ${table} job set blocked = false where job.ctid = any(promoted);
  end if;

  return query
    with ${activatedInOrder(parts, 'taken')}
    select ours[activated.ord], more, ${DELIVERY} from activated ${itsEvent(parts)};
  if array_position(taken, null) is null then return; end if;
  return query
    select ended.id, more, ${NO_DELIVERY} from unnest(ours, taken) as ended (id, taken) where ended.taken is null;
end
$function$`
}

/** done → completed, and the others as they say. `collect` keeps the ids of those that were still claimed so. */
function end(parts: QueueParts, collect: (ended: string) => string): string {
  const { table, tables, queue } = parts
  // Whoever holds up the dead letters holds us up here, before a row is locked: heartbeats pass over locked rows.
  return `if others is not null then lock table ${tables.deadLetter} in row exclusive mode; end if;
  -- By the name of the claim: so many ids and one name are one search of the primary key, and what was claimed together has the same.
  for claimed in
    select outcome.claim as number, array_agg(outcome.id) as ids from unnest(done, claims) as outcome (id, claim) group by 1
  loop
    with ended as (
      update ${table} job set state = 'completed', completed_on = ${tables.jobNow}, heartbeat_on = null
      where job.name = '${queue}' and job.id = any(claimed.ids) and ${claimOf('job')} = claimed.number
        and job.state::text = 'active'
      returning job.id, job.singleton_key
    )
    ${collect('ended')};
  end loop;
  if others is not null then
    ${endOthers(parts, collect)}
  end if;`
}

/**
 * retry, later → retry (later uses no attempt: it raises the row's retry limit by one) ·
 * dead → failed, or, when it blocks its key, alive at the head of its lane until an operator acts.
 */
function endOthers(parts: QueueParts, collect: (ended: string) => string): string {
  const { table, tables } = parts
  return `declare
      rows tid[];
    begin
      select array_agg(job.row) into rows
      from jsonb_to_recordset(others) as outcome (id uuid, claim float8)
      left join lateral (
        ${byId(parts, 'outcome.id', 'job.ctid as row')} and ${claimOf('job')} = outcome.claim and job.state::text = 'active'
        for update
      ) job on true;

      with ended as (
        update ${table} job set
          state = (case when outcome.outcome = 'dead' and not outcome.blocks then 'failed' else 'retry' end)::"${tables.names.pgboss}".job_state,
          completed_on = case when outcome.outcome = 'dead' and not outcome.blocks then ${tables.jobNow} end,
          start_after = case
            when outcome.outcome in ('retry', 'later') then ${tables.jobNow} + outcome.delay_ms * interval '1 ms'
            when outcome.blocks then 'infinity'
            else job.start_after end,
          retry_limit = job.retry_limit + case when outcome.outcome = 'later' then 1 else 0 end,
          heartbeat_on = null,
          output = ${withError('job.output', 'outcome.error')}
        from rows from (
          jsonb_to_recordset(others) as (outcome text, delay_ms float8, error jsonb, reason text, blocks boolean),
          unnest(rows)
        ) as outcome (outcome, delay_ms, error, reason, blocks, row)
        where job.ctid = outcome.row
        returning job.id, job.name, job.singleton_key, job.data, job.output, outcome.outcome, outcome.reason, outcome.blocks
      ), letters as (
        insert into ${tables.deadLetter} as letter (
          delivery_id, queue, handler, event_id, event_type, partition_key, reason, attempts, blocks_key, died_at
        )
        select ended.id, ended.name, coalesce(ended.data ->> 'handler', ''), event.id,
          coalesce(event.type, ended.data ->> 'type'), event.partition_key, ended.reason,
          coalesce(ended.output, '[]'), ended.blocks, ${tables.jobNow}
        from ended
        left join lateral (
          select event.id, event.type, event.partition_key from ${tables.event} event
          where event.seq = ${tables.seqOfDelivery}(ended.id) offset 0
        ) event on true
        where ended.outcome = 'dead'
        on conflict (delivery_id) do update set
          reason = excluded.reason, attempts = excluded.attempts, blocks_key = excluded.blocks_key,
          died_at = excluded.died_at, discarded_at = null
      )
      ${collect('ended')};
    end;`
}
