/**
 * The function that prunes: deletes events that nothing has needed for the time of retention, together with the rest of their
 * deliveries and with their dismissed dead letters.
 *
 *   a turn ──► events after the last place, by seq, that are old enough ──► locked
 *     ──► their deliveries, in each queue that holds any: all over long enough ago ──► locked, counted again ──┐
 *     ──► their dead letters, all dismissed long enough ago ──► locked, counted again ─────────────────────────┤
 *     ──► their history, all older than the retention ─────────────────────────────────────────────────────────┤
 *                                                              an event that passed everywhere ────────────────┴─► deleted
 *
 * Events that a handler which reads the log has not passed are not looked at.
 *
 * Events that their type keeps for longer are stepped over. Events that it keeps for a shorter time go earlier, by `prune_expired`.
 *
 * Events follow each other by seq, and ids begin with the seq: so each question is one range, for any number of events.
 * Deliveries that ended well are in the history only, and go with its tables (see `history.ts`).
 *
 * Rows that it cannot lock at once are left for the next round, so it never waits for a lock. Locked rows do not change any
 * more, and the statement that counts has a newer snapshot than the one that locked. So a delivery that was settled, retried or
 * written again meanwhile is one row too many, and the event stays. An event and its deliveries become visible at the same
 * moment, so for a visible event all its deliveries are seen. Code that adds deliveries to a stored event must lock the event's
 * row while it does so. A settle also deletes a delivery and writes its history at the same moment; the history is read last.
 *
 * Before the last place there are only events that had to stay. They are looked at again when the walk begins again. That also
 * finds events whose transaction committed late, with a smaller seq than events that were there already.
 *
 * The clock is the earlier one of the database's and pg-boss's, which a test may have moved: pruning takes real time.
 */
import type { Tables } from '../schema/tables.ts'
import { FIXED_PLAN, functionName, passedByReaders } from './sql.ts'

/** The first or last id that can belong to an event: an id is its event's seq, then a hash of the handler's name. */
function bound(seq: string, end: '0' | 'f'): string {
  return `(lpad(to_hex(${seq}), 16, '0') || repeat('${end}', 16))::uuid`
}

export function pruneFunction(tables: Tables): string {
  const { deadLetter, delivery, event, history, historyTurn, names, pruning, seqOfDelivery } = tables
  const dismissed = 'letter.dismissed_at < before'
  const itsDeliveries = `from ${delivery} job where job.name = used.queue and job.id >= first and job.id <= last`
  const itsLetters = `from ${deadLetter} letter where letter.delivery_id >= first and letter.delivery_id <= last`
  const keeping = (ids: string) => `kept := kept || array(select distinct ${seqOfDelivery}(one.id) from (${ids}) one);`
  return `
create or replace function ${functionName(tables, 'prune')}(retention interval, batch integer, every interval, begin_again interval)
returns table (pruned integer, more boolean) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  before timestamptz := least("${names.pgboss}".job_now(), clock_timestamp()) - retention;
  place record;
  seqs bigint[];
  last_old bigint;
  more boolean;
  first uuid;
  last uuid;
  queues text[];
  over tid[];
  over_seqs bigint[];
  letters tid[];
  letter_seqs bigint[];
  kept bigint[] := '{}';
  rows tid[];
begin
  select * into place from ${pruning} where pruned_at <= clock_timestamp() - every for update skip locked;
  if not found then return; end if;
  perform set_config('synchronous_commit', 'off', true); -- what a crash brings back is pruned again

  select array_agg(walked.seq) filter (where walked.is_old and not walked.is_retained), max(walked.seq) filter (where walked.is_old),
    coalesce(count(*) = batch and max(walked.seq) filter (where walked.is_old) = max(walked.seq), false)
  into seqs, last_old, more
  from (
    select event.seq, event.published_at < before as is_old,
      coalesce(event.retained_until > before + retention, false) as is_retained
    from ${event} event
    where event.seq > place.after_seq and event.seq <= (${passedByReaders(tables)}) order by event.seq limit batch
  ) walked;

  select array_agg(free.seq) into seqs
  from unnest(seqs) as old (seq) cross join lateral (
    select event.seq from ${event} event where event.seq = old.seq for update skip locked
  ) free;

  if seqs is not null then
    first := ${bound('seqs[1]', '0')};
    last := ${bound('seqs[cardinality(seqs)]', 'f')};
    with recursive used as (
      (select job.name from ${delivery} job order by job.name limit 1)
      union all
      select following.name from used cross join lateral (
        select job.name from ${delivery} job where job.name > used.name order by job.name limit 1
      ) following
    ) select array_agg(used.name) into queues from used join ${tables.ownQueue} own on own.name = used.name;

    select array_agg(job.row), array_agg(${seqOfDelivery}(job.id)) into over, over_seqs
    from unnest(queues) as used (queue) cross join lateral (
      select job.ctid as row, job.id ${itsDeliveries}
        and (job.state::text in ('completed', 'cancelled') or job.state::text = 'failed' and exists (
          select from ${deadLetter} letter where letter.delivery_id = job.id and ${dismissed}
        ))
        and greatest(job.created_on, job.started_on, job.completed_on) < before
      for update skip locked
    ) job;
    select array_agg(letter.row), array_agg(${seqOfDelivery}(letter.delivery_id)) into letters, letter_seqs from (
      select letter.ctid as row, letter.delivery_id ${itsLetters} and ${dismissed} for update skip locked
    ) letter;

    -- Asked in later statements than they were locked: what is there now, and was not locked, keeps its event.
    ${keeping(`select job.id from unnest(queues) as used (queue) cross join lateral (
      select job.id, job.ctid as row ${itsDeliveries} offset 0) job where job.row <> all (coalesce(over, '{}'))`)}
    ${keeping(`select letter.delivery_id as id from (select letter.delivery_id, letter.ctid as row ${itsLetters} offset 0) letter
      where letter.row <> all (coalesce(letters, '{}'))`)}
    kept := kept || array(
      select distinct done.seq from ${history} done
      where done.seq >= seqs[1] and done.seq <= seqs[cardinality(seqs)] and done.ended_at >= before and done.turn = any (array(
        select one.number from "${names.postbus}".history_table one where one.ended_at >= before
        union all select one.number from ${historyTurn} one
      ))
    );
    seqs := array(select old.seq from unnest(seqs) as old (seq) where old.seq <> all (kept));

    rows := array(select over.row from unnest(over, over_seqs) as over (row, seq) where over.seq = any (seqs));
    delete from ${delivery} job where job.ctid = any(rows);
    rows := array(select gone.row from unnest(letters, letter_seqs) as gone (row, seq) where gone.seq = any (seqs));
    delete from ${deadLetter} letter where letter.ctid = any(rows);
    select array_agg(event.row) into rows from unnest(seqs) as old (seq) cross join lateral (
      select event.ctid as row from ${event} event where event.seq = old.seq offset 0
    ) event;
    delete from ${event} event where event.ctid = any(rows);
    delete from ${tables.lookup} found where found.seq = any (seqs);
    delete from ${tables.logChunk} chunk where chunk.last_seq < (select min(event.seq) from ${event} event);
  end if;

  update ${pruning} set
    pruned_at = clock_timestamp(),
    after_seq = case when not more and began_at <= clock_timestamp() - begin_again then 0 else coalesce(last_old, after_seq) end,
    began_at = case when not more and began_at <= clock_timestamp() - begin_again then clock_timestamp() else began_at end;
  return query select coalesce(cardinality(seqs), 0), more;
end
$function$`
}
