/**
 * The function that prunes: deletes events that everyone has been done with for the time of retention, together with their
 * deliveries and discarded dead letters. And the table in which it keeps its place.
 *
 *   a turn ──► events behind the last place, by seq, that are old enough ──► locked
 *     ──► in each queue: their deliveries, all ended long enough ago ──► locked, counted again ─┐
 *     ──► their dead letters, all discarded long enough ago ──► locked, counted again ──────────┤
 *                                                              an event that passed everywhere ─┴─► deleted
 *
 * What it cannot lock at once it leaves for the next time round, so it waits for no lock. What it has locked is not changed
 * any more, and the statement that counts has a newer snapshot than the one that locked: what was settled, retried or
 * written again meanwhile is one row too many, and the event stays. An event and its deliveries become visible in one
 * moment, so an event that can be seen shows all it has. Code that adds deliveries to a stored event later must hold its row
 * while doing so.
 *
 * Queues are found in the database, by the comment that our schema has left there: other programs may have queues that
 * this one does not know. One without a comment may be a queue whose migration was interrupted: its rows keep their event.
 *
 * Behind the place there is only what had to stay. It is looked at again when the walk begins again. That also finds events
 * whose transaction committed late, with a smaller seq than what was there already.
 *
 * The clock is the earlier one of the database's and of pg-boss's, which a test may have moved: pruning takes real time.
 */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

export function pruning(names: SchemaNames): Migration {
  return {
    async up(db) {
      const table = sql.table(`${names.postbus}.pruning`)
      await sql`
        create table ${table} (
          only_one boolean primary key default true check (only_one),
          after_seq bigint not null default 0,
          pruned_at timestamptz not null default now(),
          began_at timestamptz not null default now()
        )`.execute(db)
      await sql`insert into ${table} default values`.execute(db)
      await sql.raw(pruneFunction(names)).execute(db)
    },
  }
}

/**
 * Plans that do not depend on statistics, for the same reasons as those of the queues' functions. Not theirs: a migration
 * stays as it is when the code changes.
 */
const FIXED_PLAN = `
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set enable_sort = off
  set enable_incremental_sort = off
  set jit = off`

/** The first or last id that can belong to an event: an id is its event's seq, then a hash of the handler's name. */
function bound(end: '0' | 'f'): string {
  return `(lpad(to_hex(free.seq), 16, '0') || repeat('${end}', 16))::uuid`
}

/** Goes on with those that may go. */
const NARROWED = `
  select array_agg(old.seq), array_agg(old.first), array_agg(old.last) into seqs, firsts, lasts
  from unnest(seqs, firsts, lasts, may_go) as old (seq, first, last, may_go) where old.may_go;`

function pruneFunction({ postbus, pgboss }: SchemaNames): string {
  const letters = `from "${postbus}".dead_letter letter where letter.delivery_id >= old.first and letter.delivery_id <= old.last`
  return `
create function "${postbus}".prune(retention interval, batch integer, every interval, begin_again interval)
returns table (pruned integer, more boolean) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  before timestamptz := least("${pgboss}".job_now(), clock_timestamp()) - retention;
  place record;
  seqs bigint[];
  firsts uuid[];
  lasts uuid[];
  may_go boolean[];
  last_old bigint;
  more boolean;
  queue record;
  pruners text[] := '{}';
  pruner text;
  strangers text[] := '{}';
  locked integer[];
  rows tid[];
begin
  select * into place from "${postbus}".pruning where pruned_at <= clock_timestamp() - every for update skip locked;
  if not found then return; end if;
  perform set_config('synchronous_commit', 'off', true); -- what a crash brings back is pruned again

  select array_agg(walked.seq) filter (where walked.is_old), max(walked.seq) filter (where walked.is_old),
    coalesce(count(*) = batch and max(walked.seq) filter (where walked.is_old) = max(walked.seq), false)
  into seqs, last_old, more
  from (
    select event.seq, event.published_at < before as is_old from "${postbus}".event
    where event.seq > place.after_seq order by event.seq limit batch
  ) walked;

  select array_agg(free.seq), array_agg(${bound('0')}), array_agg(${bound('f')}) into seqs, firsts, lasts
  from unnest(seqs) as old (seq) cross join lateral (
    select event.seq from "${postbus}".event where event.seq = old.seq for update skip locked
  ) free;

  for queue in
    select name, substr(table_name, 2, 16) as suffix, substring(
      obj_description(to_regclass(format('%I.%I', '${pgboss}', table_name)), 'pg_class')
      from '^deliveries of postbus schema ([a-z0-9_]+)') as used_by
    from "${pgboss}".queue
  loop
    if queue.used_by is null then
      strangers := strangers || queue.name;
    elsif queue.used_by = '${postbus}' and seqs is not null then
      execute format('select %I.%I($1, $2, $3)', '${postbus}', 'ended_' || queue.suffix)
      into may_go using firsts, lasts, before;
      ${NARROWED}
      pruners := pruners || format('%I.%I', '${postbus}', 'prune_' || queue.suffix);
    end if;
  end loop;

  if strangers <> '{}' and seqs is not null then
    may_go := array(select old.seq <> all (array(
      select "${postbus}".seq_of_delivery(job.id) from "${pgboss}".job
      where job.name = any(strangers) and job.id >= firsts[1] and job.id <= lasts[cardinality(lasts)]
    )) from unnest(seqs) as old (seq));
    ${NARROWED}
  end if;

  select array_agg(discarded.count) into locked from unnest(firsts, lasts) as old (first, last) cross join lateral (
    select count(*) from (select ${letters} and letter.discarded_at < before for update skip locked) letter
  ) discarded;
  select array_agg(old.locked = (select count(*) ${letters})) into may_go
  from unnest(firsts, lasts, locked) as old (first, last, locked);
  ${NARROWED}

  if seqs is not null then
    foreach pruner in array pruners loop
      execute format('select %s($1, $2)', pruner) using firsts, lasts;
    end loop;
    select array_agg(letter.row) into rows from unnest(firsts, lasts) as old (first, last) cross join lateral (
      select letter.ctid as row ${letters} offset 0
    ) letter;
    delete from "${postbus}".dead_letter letter where letter.ctid = any(rows);
    select array_agg(event.row) into rows from unnest(seqs) as old (seq) cross join lateral (
      select event.ctid as row from "${postbus}".event where event.seq = old.seq offset 0
    ) event;
    delete from "${postbus}".event where event.ctid = any(rows);
  end if;

  update "${postbus}".pruning set
    pruned_at = clock_timestamp(),
    after_seq = case when not more and began_at <= clock_timestamp() - begin_again then 0 else coalesce(last_old, after_seq) end,
    began_at = case when not more and began_at <= clock_timestamp() - begin_again then clock_timestamp() else began_at end;
  return query select coalesce(cardinality(seqs), 0), more;
end
$function$`
}
