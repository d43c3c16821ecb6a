/** The functions that see to it that a lane goes on: after an operator's act, after a worker's death, after a deletion by hand. */
import { NOT_SET_ASIDE } from './set-aside.ts'
import { byId, FIXED_PLAN, functionName, headOf, RETRY_LIMIT, withError, type QueueParts } from './sql.ts'

/**
 * Promotes the heads of these lanes where they are parked. Waits for parked heads only: one that runs may be in the hands
 * of its settle, which waits for what the caller has ended.
 */
export function promoteFunction(parts: QueueParts): string {
  return `
create or replace function ${functionName(parts, 'promote')}(lanes text[]) returns integer
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  heads tid[];
begin
  select array_agg(parked.row) into heads from unnest(lanes) as ended (lane)
  cross join lateral (${headOf(parts, 'ended.lane', 'job.id')}
  ) head
  cross join lateral (${byId(parts, 'head.id', 'job.ctid as row')} and job.blocked for update
  ) parked;
  update ${parts.table} job set blocked = false from unnest(heads) as head (row) where job.ctid = head.row;
  return coalesce(cardinality(heads), 0);
end
$function$`
}

/**
 * Frees the deliveries whose worker has not been heard of for `silent_seconds`. The attempt counts, with an error that
 * says so; whether it was the last one is decided at the next claim, which knows the handler.
 */
export function recoverFunction(parts: QueueParts, isPartitioned: boolean): string {
  const { table, tables } = parts
  const error = `error || jsonb_build_object('attempt', job.retry_count - (job.retry_limit - ${RETRY_LIMIT}) + 1)`
  // A partitioned queue has pg-boss's index of what is active, by lane; a plain one has ours, by the last heartbeat.
  const byIndex = isPartitioned
    ? `and job.name = '${parts.queue}' and job.policy = 'singleton' order by job.name, coalesce(job.singleton_key, '')`
    : 'order by job.heartbeat_on'
  const promote = isPartitioned ? `perform ${functionName(parts, 'promote')}(lanes);` : ''
  return `
create or replace function ${functionName(parts, 'recover')}(silent_seconds integer, error jsonb) returns integer
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  lost tid[];
  lanes text[];
begin
  select array_agg(silent.row), array_agg(silent.singleton_key) into lost, lanes from (
    select job.ctid as row, job.singleton_key from ${table} job
    where job.state = 'active' and job.heartbeat_on < ${tables.jobNow} - silent_seconds * interval '1s'
    ${byIndex}
    for update skip locked
  ) silent;
  if lost is null then return 0; end if;

  update ${table} job set
    state = 'retry',
    start_after = ${tables.jobNow},
    heartbeat_on = null,
    output = ${withError('job.output', `(${error})`)}
  from unnest(lost) as silent (row)
  where job.ctid = silent.row;
  ${promote}
  perform pg_notify('${tables.channel}', '${parts.queue}');
  return cardinality(lost);
end
$function$`
}

/**
 * Promotes heads that nobody would promote: someone has deleted or changed the delivery they were parked behind. What
 * is set aside is left where it is: claims find it there. Visits a limited number of lanes, and the next ones at the next call; of several callers within a short time only one works.
 */
export function sweepFunction(parts: QueueParts): string {
  const { table, tables, queue } = parts
  return `
create or replace function ${functionName(parts, 'sweep')}(visits integer, every_seconds float8) returns integer
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  after text;
  last_lane text;
  visited integer;
  ids uuid[];
  orphans tid[];
begin
  update ${tables.laneSweep} sweep set swept_at = clock_timestamp()
  where sweep.queue = '${queue}' and sweep.swept_at <= clock_timestamp() - every_seconds * interval '1s'
  returning sweep.after_lane into after;
  if after is null then return 0; end if;

  select count(*), max(walked.lane), array_agg(walked.id) filter (where walked.idle and walked.blocked)
  into visited, last_lane, ids
  from ${functionName(parts, 'walk')}(after, visits) walked;
  update ${tables.laneSweep} sweep set after_lane = case when visited < visits then '' else last_lane end
  where sweep.queue = '${queue}';

  select array_agg(orphan.row) into orphans from unnest(ids) as found (id)
  cross join lateral (${byId(parts, 'found.id', 'job.ctid as row')} and job.blocked and ${NOT_SET_ASIDE}
    for update skip locked
  ) orphan;
  if orphans is null then return 0; end if;
  update ${table} job set blocked = false from unnest(orphans) as orphan (row) where job.ctid = orphan.row;
  perform pg_notify('${tables.channel}', '${queue}');
  return cardinality(orphans);
end
$function$`
}

/**
 * Takes the head of a lane out, as a dead letter, and promotes the next. Answers its id; null when the lane has no head, or
 * when it runs.
 */
export function skipFunction(parts: QueueParts): string {
  const { table, tables } = parts
  return `
create or replace function ${functionName(parts, 'skip')}(lane text, because text) returns uuid
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  head record;
begin
  ${headOf(parts, 'lane', 'job.ctid as row, job.id, job.state').replace('select', 'select into head')} for update;
  if head.row is null or head.state = 'active' then return null; end if;

  update ${table} job set state = 'failed', blocked = false, completed_on = ${tables.jobNow} where job.ctid = head.row;
  insert into ${tables.deadLetter} as letter (
    delivery_id, queue, handler, event_id, event_type, partition_key, reason, attempts, died_at, discarded_at
  )
  select job.id, job.name, coalesce(job.data ->> 'handler', ''), event.id, coalesce(event.type, job.data ->> 'type'),
    event.partition_key, because, case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end,
    ${tables.jobNow}, null
  from (${byId(parts, 'head.id', 'job.*')}) job
  left join lateral (
    select * from ${tables.event} event where event.seq = ${tables.seqOfDelivery}(job.id) offset 0
  ) event on true
  on conflict (delivery_id) do update set blocks_key = false, discarded_at = null;
  perform ${functionName(parts, 'promote')}(array[lane]);
  perform pg_notify('${tables.channel}', '${parts.queue}');
  return head.id;
end
$function$`
}
