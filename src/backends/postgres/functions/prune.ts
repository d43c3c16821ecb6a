/**
 * A queue's part in pruning, called by `postbus.prune` (see `migrations/0006-pruning.ts`) in one transaction: `ended`
 * answers which of these events have nothing in this queue that anyone may still need, and holds the rows that say so;
 * `prune` deletes them.
 *
 * A delivery has ended when it is completed, cancelled by hand, or dead and discarded. One that has failed and has no
 * dead letter is none of these: it stays, because nothing else tells of it.
 */
import { FIXED_PLAN, functionName, type QueueParts } from './sql.ts'

export function endedFunction(parts: QueueParts): string {
  const { tables } = parts
  const discarded = `exists (
            select from ${tables.deadLetter} letter where letter.delivery_id = job.id and letter.discarded_at < before
          )`
  return `
create or replace function ${functionName(parts, 'ended')}(seqs bigint[], before timestamptz) returns bigint[]
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  locked integer[];
begin
  select array_agg(ended.count) into locked from unnest(seqs) as old (seq) cross join lateral (
    select count(*) from (
      select ${deliveriesOf(parts, 'old.seq')}
        and (job.state::text in ('completed', 'cancelled') or job.state::text = 'failed' and ${discarded})
        and greatest(job.created_on, job.started_on, job.completed_on) < before
      for update skip locked
    ) job
  ) ended;
  -- Counted in a later statement than they were locked: what is there now, and was not locked, keeps its event.
  return array(
    select old.seq from unnest(seqs, locked) as old (seq, locked)
    where old.locked = (select count(*) ${deliveriesOf(parts, 'old.seq')})
  );
end
$function$`
}

export function pruneFunction(parts: QueueParts): string {
  return `
create or replace function ${functionName(parts, 'prune')}(seqs bigint[]) returns void
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  rows tid[];
begin
  select array_agg(job.row) into rows from unnest(seqs) as old (seq)
  cross join lateral (select job.ctid as row ${deliveriesOf(parts, 'old.seq')} offset 0) job;
  delete from ${parts.table} job where job.ctid = any(rows);
end
$function$`
}

/** An event's deliveries in this queue are a range of its primary key. */
function deliveriesOf({ table, queue }: QueueParts, seq: string): string {
  const bound = (end: '0' | 'f') => `(lpad(to_hex(${seq}), 16, '0') || repeat('${end}', 16))::uuid`
  return `from ${table} job where job.name = '${queue}' and job.id >= ${bound('0')} and job.id <= ${bound('f')}`
}
