/**
 * The functions that end attempts, a group of them at once: `settle` of a queue without keys, and of a partitioned one.
 *
 * Every row is fenced by its claim (`claimOf`) and must still be active: a worker whose claim was taken over changes
 * nothing. A dead letter is written in the statement that ends its delivery, so there is no moment in which a delivery is
 * neither waiting nor a dead letter.
 *
 * In a partitioned queue, whatever ends makes way for the head of its lane: in the same transaction, but in a later
 * statement, whose snapshot sees what was published and parked meanwhile. The head is claimed for the same worker if that
 * asks for it (`take_next`), else promoted if it was parked.
 */
import {
  activated,
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

export function settleFunction(parts: QueueParts): string {
  return `
create or replace function ${functionName(parts, 'settle')}(outcomes jsonb) returns table (settled uuid)
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  ids uuid[];
  ours tid[];
begin
  ${lockOurs(parts, ['array_agg(outcome.id)', 'array_agg(job.row)'], ['ids', 'ours'])}
  ${end(parts)}
  return query select outcome.id from unnest(ids, ours) as outcome (id, row) where outcome.row is not null;
end
$function$`
}

export function settleLanesFunction(parts: QueueParts): string {
  const { table, tables } = parts
  const aggregates = ['array_agg(outcome.id)', 'array_agg(job.row)', 'array_agg(job.singleton_key)']
  // Of the clock too: what was published since this transaction began is due, though its now() is older.
  const due = `head.state < 'active' and head.start_after <= greatest(${tables.jobNow}, clock_timestamp())`
  return `
create or replace function ${functionName(parts, 'settle')}(outcomes jsonb) returns table (settled uuid, more boolean, ${DELIVERY_COLUMNS}
) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  ids uuid[];
  ours tid[];
  lanes text[];
  taken tid[];
  promoted tid[];
  more boolean;
begin
  ${lockOurs(parts, aggregates, ['ids', 'ours', 'lanes'])}
  ${end(parts)}

  select
    array_agg(case when ${due} and ended.take_next then head.row end),
    array_agg(case when head.blocked and not (${due} and ended.take_next) then head.row end),
    coalesce(bool_or(${due} and not ended.take_next), false)
  into taken, promoted, more
  from rows from (jsonb_to_recordset(outcomes) as (take_next boolean), unnest(lanes)) as ended (take_next, lane)
  left join lateral (
    ${headOf(parts, 'ended.lane', 'job.ctid as row, job.state, job.blocked, job.start_after')} for update
  ) head on true;

  if array_remove(promoted, null) <> '{}' then
    update ${table} job set blocked = false from unnest(promoted) as head (row) where job.ctid = head.row;
  end if;

  return query
    with ${activated(parts, 'taken')}
    select ids[activated.ord], more, ${DELIVERY} from activated ${itsEvent(parts)};
  if array_position(taken, null) is null then return; end if;
  return query
    select outcome.id, more, ${NO_DELIVERY}
    from unnest(ids, ours, taken) as outcome (id, row, taken) where outcome.row is not null and outcome.taken is null;
end
$function$`
}

/** Finds and locks what is still claimed as the outcomes say, in their order; null stands for what is not. */
function lockOurs(parts: QueueParts, columns: readonly string[], into: readonly string[]): string {
  // Whoever holds up the dead letters holds us up here, before a row is locked: heartbeats pass over locked rows.
  return `lock table ${parts.tables.deadLetter} in row exclusive mode;
  select ${columns.join(', ')} into ${into.join(', ')}
  from jsonb_to_recordset(outcomes) as outcome (id uuid, claim float8)
  left join lateral (
    ${byId(parts, 'outcome.id', 'job.ctid as row, job.singleton_key')}
      and ${claimOf('job')} = outcome.claim and job.state::text = 'active'
    for update
  ) job on true;`
}

/**
 * done → completed · retry, later → retry (later uses no attempt: it raises the row's retry limit by one) ·
 * dead → failed, or, when it blocks its key, alive at the head of its lane until an operator acts.
 */
function end({ table, tables }: QueueParts): string {
  return `with ended as (
    update ${table} job set
      state = (case
        when outcome.outcome = 'done' then 'completed'
        when outcome.outcome = 'dead' and not outcome.blocks then 'failed'
        else 'retry' end)::"${tables.names.pgboss}".job_state,
      completed_on = case when outcome.outcome = 'done' or outcome.outcome = 'dead' and not outcome.blocks
        then ${tables.jobNow} end,
      start_after = case
        when outcome.outcome = 'dead' and outcome.blocks then 'infinity'
        when outcome.outcome in ('retry', 'later') then ${tables.jobNow} + outcome.delay_ms * interval '1 ms'
        else job.start_after end,
      retry_limit = job.retry_limit + case when outcome.outcome = 'later' then 1 else 0 end,
      heartbeat_on = null,
      output = ${withError('job.output', 'outcome.error')}
    from rows from (
      jsonb_to_recordset(outcomes) as (outcome text, delay_ms float8, error jsonb, reason text, blocks boolean),
      unnest(ours)
    ) as outcome (outcome, delay_ms, error, reason, blocks, row)
    where job.ctid = outcome.row
    returning job.id, job.name, job.data, job.output, outcome.outcome, outcome.reason, outcome.blocks
  )
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
    died_at = excluded.died_at, discarded_at = null;`
}
