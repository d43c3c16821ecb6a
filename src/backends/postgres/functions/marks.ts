/**
 * Marks: the times below which a claim of a queue need not look, because everything there is gone.
 *
 * The index of what waits keeps an entry for each delivery that was ever claimable, until vacuum removes it. Vacuum cannot remove it
 * while any session of the server has an older snapshot open, and every claim then steps over all that has finished since. A
 * worker whose claims were slow for that reason asks for marks, one per priority for fresh and for returning deliveries, and
 * hands them in at its next claim. Marks are not stored: a new worker begins without.
 *
 *   t  the clock when a claim began        x  the id of its transaction, taken after t
 *
 *   A transaction that writes a row has its id before it reads the clock, and ids ascend. So each row with a time before t belongs
 *   to a transaction with an id below x. Once the oldest running id of the server is x or more, all of these have ended. If a plain
 *   read then sees no row below t, there will never be one, and the next mark is t. If it sees one, the next mark is the time of the
 *   first such row. It also sees rows that another claim has locked, so nothing is lost if that claim rolls back.
 *
 * Three things can still put rows below a mark. A crash of the server undoes claims that did not wait for the disk: it also
 * empties the unlogged table `server_life`, and marks with another life in them do not count. The server's clock steps back: the
 * marks hold the latest time that was seen, and do not count before it. pg-boss's own tools (`resume`, `retry`) leave old times on
 * jobs that they revive: once a minute, or less often where that takes long, the worker claims without its marks.
 */
import type { Tables } from '../schema/tables.ts'

/** The number of priorities. The first ten marks are for fresh deliveries, the next ten for returning deliveries. */
export const PRIORITIES = 10

const UNMARKED = `array_fill('-infinity'::timestamptz, array[${2 * PRIORITIES}])`
/** A claim that finds nothing takes a transaction id only if this many ids were taken since the last bound. */
const IDS_PER_BOUND = 100
/** A look that takes longer than this, and `SLOW_ROW` for each row it finds, has stepped over finished deliveries. */
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

/** SQL: reads the marks that the worker hands in. Null: it wants none. Empty: it wants some, and has none yet. */
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

/** SQL: notes whether the look that has just ended was slow. `found`: the number of rows that it found. */
export function timingLook(found: string): string {
  return `is_slow := is_slow or clock_timestamp() - look_began > ${SLOW_LOOK} + ${found} * ${SLOW_ROW};`
}

/**
 * SQL: moves the marks, and sets the next bound. `wrote`: whether this claim has changed anything. A transaction that had an id
 * before it looked cannot set a bound.
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
