/**
 * Marks: below which time a claim of a queue need not look, because everything there is gone.
 *
 * The index of what waits keeps an entry for each delivery that was ever claimable, until vacuum removes it. Vacuum cannot
 * while anyone in the server has an older snapshot open, and every claim then steps over all that has finished since. A
 * worker whose claim was slow for that reason asks for marks, one per priority for fresh and for returning deliveries, and
 * hands them in at its next claim. Nothing is written down: a new worker begins without.
 *
 *   t  the clock when a claim began        x  the id of its transaction, taken after t
 *
 *   Ids ascend, so each row with a time before t belongs to a transaction with an id below x: the transaction that writes such a row
 *   has its id before it reads the clock. Once the server's oldest running id is x or more, all of these have ended. So
 *   what a plain read then does not see below t will never be there, and the next mark is t, or the first row that is
 *   still there, if that is older. Rows that another claim holds are still seen, so one that rolls back loses nothing.
 *
 * Three things put rows below a mark all the same. A crash of the server undoes claims that did not wait for the disk: it
 * empties the unlogged table `server_life` too, and marks with another life in them count for nothing. The server's clock
 * steps back: the marks know the latest time that was seen. pg-boss's own tools (`resume`, `retry`) leave old times on what
 * they revive: the worker hands in no marks once a minute.
 */
import type { Tables } from '../schema/tables.ts'

/** How many priorities there are: the marks of fresh deliveries are the first ten, of returning ones the next. */
export const PRIORITIES = 10

const UNMARKED = `array_fill('-infinity'::timestamptz, array[${2 * PRIORITIES}])`
/** A claim that finds nothing takes an id of its own only when this many others were taken since the last. */
const IDS_PER_BOUND = 100
/** A claim that takes longer to look, and this much per row it finds, steps over what has finished. */
const SLOW_LOOK = `interval '2 ms'`
const SLOW_ROW = `interval '20 us'`

export const MARK_VARIABLES = `
  began timestamptz;
  look_began timestamptz;
  is_own boolean := pg_current_xact_id_if_assigned() is null;
  life uuid;
  floors timestamptz[];
  bound_at timestamptz;
  bound_id xid8;
  settled_before timestamptz := '-infinity';
  first_fresh timestamptz[];
  first_back timestamptz[];
  is_slow boolean := false;`

/** Reads the marks that the worker hands in. Null: it wants none. Empty: it wants some, and has none yet. */
export function readingMarks(tables: Tables): string {
  return `began := ${tables.clock};
  floors := ${UNMARKED};
  if marks is not null then
    select one.id into life from ${tables.serverLife} one where one.only_one;
    if not found then
      insert into ${tables.serverLife} default values on conflict do nothing;
      select one.id into life from ${tables.serverLife} one where one.only_one;
    end if;
    if (marks ->> 'life')::uuid = life and (marks ->> 'seenAt')::timestamptz <= began then
      floors := array(select one::timestamptz from jsonb_array_elements_text(marks -> 'floors') one);
      bound_at := (marks ->> 'boundAt')::timestamptz;
      bound_id := (marks ->> 'boundId')::xid8;
    end if;
    if bound_at is not null and pg_snapshot_xmin(pg_current_snapshot()) >= bound_id then
      settled_before := bound_at;
      bound_at := null;
    end if;
  end if;`
}

/** Notes whether the look that has just ended was slow. `found` is how many rows it has brought. */
export function timingLook(found: string): string {
  return `is_slow := is_slow or clock_timestamp() - look_began > ${SLOW_LOOK} + ${found} * ${SLOW_ROW};`
}

/**
 * Moves the marks, and sets the next bound. `wrote` is whether this claim has changed anything. A transaction that
 * had an id before it looked cannot set one.
 */
export function movingMarks(wrote: string): string {
  return `if marks is not null then
    if settled_before > '-infinity' and first_fresh is not null then
      for n in 1 .. ${PRIORITIES} loop
        floors[n] := greatest(floors[n], least(first_fresh[n], settled_before));
        floors[n + ${PRIORITIES}] := greatest(floors[n + ${PRIORITIES}], least(first_back[n], settled_before));
      end loop;
    end if;
    if is_own and bound_at is null and (
      ${wrote} or bound_id is null
      or pg_snapshot_xmax(pg_current_snapshot())::text::numeric > bound_id::text::numeric + ${IDS_PER_BOUND}
    ) then
      bound_at := began;
      bound_id := pg_current_xact_id();
    end if;
    marks := jsonb_build_object(
      'life', life, 'seenAt', began, 'floors', floors, 'boundAt', bound_at, 'boundId', bound_id::text);
  end if;`
}
