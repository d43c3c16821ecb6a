/**
 * A queue's part in pruning, called by `postbus.prune` (see `migrations/0006-pruning.ts`) in one transaction. Both are
 * given the first and last id that each event's deliveries can have: `ended` answers for each whether this queue has nothing
 * of it that anyone may still need, and holds the rows that say so; `prune` deletes them.
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
create or replace function ${functionName(parts, 'ended')}(firsts uuid[], lasts uuid[], before timestamptz) returns boolean[]
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  locked integer[];
begin
  select array_agg(ended.count) into locked from unnest(firsts, lasts) as old (first, last) cross join lateral (
    select count(*) from (
      select ${deliveriesOf(parts)}
        and (job.state::text in ('completed', 'cancelled') or job.state::text = 'failed' and ${discarded})
        and greatest(job.created_on, job.started_on, job.completed_on) < before
      for update skip locked
    ) job
  ) ended;
  -- Counted in a later statement than they were locked: what is there now, and was not locked, keeps its event.
  return array(
    select old.locked = (select count(*) ${deliveriesOf(parts)})
    from unnest(firsts, lasts, locked) as old (first, last, locked)
  );
end
$function$`
}

export function pruneFunction(parts: QueueParts): string {
  return `
create or replace function ${functionName(parts, 'prune')}(firsts uuid[], lasts uuid[]) returns void
language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  rows tid[];
begin
  select array_agg(job.row) into rows from unnest(firsts, lasts) as old (first, last)
  cross join lateral (select job.ctid as row ${deliveriesOf(parts)} offset 0) job;
  delete from ${parts.table} job where job.ctid = any(rows);
end
$function$`
}

/** The deliveries of the event `old` in this queue are a range of its primary key. */
function deliveriesOf({ table, queue }: QueueParts): string {
  return `from ${table} job where job.name = '${queue}' and job.id >= old.first and job.id <= old.last`
}
