/**
 * The function that claims from a partitioned queue.
 *
 *   candidates, in queue order, locked
 *       │
 *       ├─ its lane is paused ──► park it, while holding the pause (see `pauses.ts`)
 *       ├─ an older live delivery in its lane, or one that runs ──► park it, while holding that one
 *       └─ neither ──► claim it, or set it aside if its handler has no free slot (see `set-aside.ts`)
 *
 * A parked delivery leaves the index in which claims find candidates, so each is looked at once, however long the backlog is. The
 * claim parks it only while it locks the delivery that blocks it. That delivery's settle then waits for this claim, and afterwards
 * sees what to promote. Without the lock, a delivery could be parked behind one that has just ended, and wait without end.
 *
 * Claims of a queue take turns. Otherwise, while a transaction commits late, two claims could see the same lane idle: one with that
 * transaction's event, the other without. They would start two different deliveries of the lane.
 *
 * Deliveries that were set aside are candidates like those at the front, and are checked in the same way: an older delivery of their
 * lane may have been committed late.
 *
 * Each claimed delivery brings up to `behind` deliveries that follow it in its lane (see `runs.ts`).
 *
 * If the front of the queue is the backlog of one busy lane, the rest of the slots is filled by walking from lane to lane.
 */
import { handlerOfLane } from '../../../deliveries/lane-key.ts'
import { queueLockKey } from '../schema/advisory-locks.ts'
import type { Tables } from '../schema/tables.ts'
import { beginning, CLAIM_VARIABLES } from './claim-start.ts'
import { isComing } from './coming.ts'
import { askingForMixture, collecting } from './front.ts'
import { headOf, runningIn } from './lane-rows.ts'
import { movingMarks, timingLook } from './marks.ts'
import { FORGETTING_PAUSED, leavingPaused, parkingPaused, PAUSED_LANE_VARIABLES } from './pauses.ts'
import { runsOf } from './runs.ts'
import { LONGEST_LOOK, settingAside, sortingOut, takenBack } from './set-aside.ts'
import { makingRoom, SIZE_COLUMN } from './sizes.ts'
import { activated, byId, DELIVERY, DELIVERY_COLUMNS, FIXED_PLAN, functionName, itsEvent, NO_DELIVERY } from './sql.ts'

/** Looks at a few candidates more than are wanted, so that small claims get past a backlog too. */
const LOOK_AT_LEAST = 10
/** A walk visits as many lanes as there are slots to fill, and this many more, because a few will be busy. If more are busy, it goes on. */
const BUSY_LANES = 10
const MOST_WALKS = 4

/** See `claim.ts`. */
const WAS_LOST = 'activated.was_lost, null::text[], null::boolean, null::boolean, null::text, null::text'

export function claimLanesFunction(tables: Tables): string {
  const claimChosen = `if chosen <> '{}' then
      return query
        with ${activated(tables, 'chosen', 'head')}, ${runsOf(tables, 'head', ['priority', 'created_on', 'was_lost'])}
        select ${DELIVERY}, ${WAS_LOST} from activated ${itsEvent(tables)}
        order by activated.priority desc, activated.created_on, activated.head, activated.id;
      wanted := wanted - cardinality(chosen);
      wrote := true;
    end if;`
  const lane = { queue: 'of_queue', lane: 'candidate.lane' }
  return `
create or replace function ${functionName(tables, 'claim_lanes_2')}(
  of_queue text, wanted integer, limits jsonb, marks jsonb, walk_from text, behind integer, room bigint,
  shadows text[]
) returns table (${DELIVERY_COLUMNS},
    more boolean, held_back text[], coming boolean, slow boolean, marks_now text, walk_on text
) language plpgsql ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  source text;
  look integer;
  looked integer := 0;
  wrote boolean := false;
  candidates tid[];
  ids uuid[];
  lanes text[];
  heads tid[];
  parked integer;
  visited integer;
  more boolean := false;
  is_long boolean := false;
  coming boolean := ${isComing(tables, 'of_queue')};${CLAIM_VARIABLES}${PAUSED_LANE_VARIABLES}
begin
  perform pg_advisory_xact_lock(${queueLockKey('claim', tables.names, 'of_queue')});
  ${beginning(tables)}
  source := case when found then 'set aside' else 'front' end;
  if wanted > 0 then
    ${askingForMixture(tables)}
  end if;

  while source is not null and wanted > 0 and not is_full loop
    if source = 'front' then
      -- A claim that had to walk found one busy lane's backlog at the front. That takes its turn a little at a time.
      look := case when walk_from <> '' and looked = 0 then ${LOOK_AT_LEAST} else greatest(wanted, ${LOOK_AT_LEAST}) end;
      ${collecting(tables, {
        look: 'look',
        and: 'and job.singleton_key is not null',
        columns: [
          { column: 'job.ctid', into: 'candidates' },
          { column: 'job.id', into: 'ids' },
          { column: 'job.singleton_key', into: 'lanes' },
          { column: SIZE_COLUMN, into: 'sizes' },
        ],
      })}
      ${timingLook('coalesce(cardinality(candidates), 0)')}
      looked := looked + coalesce(cardinality(candidates), 0);
      is_long := coalesce(cardinality(candidates) = look, false);
    else
      look_began := clock_timestamp();
      select array_agg(share.row) filter (where share.row is not null), array_agg(share.id) filter (where share.row is not null),
        array_agg(share.lane) filter (where share.row is not null), null, array_agg(share.handler) filter (where share.held_back),
        source = 'set aside' and bool_or(share.passed_over)
      into candidates, ids, lanes, sizes, full_up, passed_over
      from ${takenBack(tables, `source = 'set aside'`)} share;
      ${timingLook('coalesce(cardinality(candidates), 0)')}
    end if;

    chosen := null;
    aside := null;
    ${parkingPaused(tables)}
    if candidates is not null or put_off <> '{}' then
      wrote := true;
      with judged as materialized (
        select candidate.row, candidate.lane, candidate.size, coalesce(older.id, running.id) as blocker
        from unnest(candidates, ids, lanes, sizes) as candidate (row, id, lane, size)
        left join lateral (${headOf(tables, lane, 'job.id')}
        ) older on older.id < candidate.id
        left join lateral (${runningIn(tables, lane)}
        ) running on true
      ), waiting as materialized (
        select judged.row from judged cross join lateral (
          ${byId(tables, { queue: 'of_queue', id: 'judged.blocker' }, '1')}
            and job.state::text in ('created', 'retry', 'active') for share skip locked
        ) held
      ), parked as (
        update ${tables.delivery} job set blocked = true, group_tier = null from waiting where job.ctid = waiting.row returning 1
      )
      select array_agg(judged.row) filter (where judged.blocker is null),
        array_agg(judged.lane) filter (where judged.blocker is null),
        array_agg(judged.size) filter (where judged.blocker is null), (select count(*) from parked)
      into heads, lanes, sizes, parked from judged;
      ${makingRoom(['heads', 'lanes'])}
      ${sortingOutHeads}
      ${settingAside(tables, 'aside')}
      -- Candidates that could be neither claimed nor put away are not looked at again at once: someone holds what they wait for.
      if source = 'front' then
        more := cardinality(heads) > coalesce(cardinality(chosen), 0) + coalesce(cardinality(aside), 0)
          or is_long and (heads is not null or parked > 0 or put_off <> '{}');
      end if;
      ${claimChosen}
    end if;
    source := case
      when source = 'set aside' then 'front'
      when source = 'front' and is_long and looked < ${LONGEST_LOOK} and (aside is not null or put_off <> '{}' or looked < wanted and chosen is not null)
        then 'front'
      when source = 'front' and passed_over then 'passed over' end;
  end loop;
  more := coalesce(more or wanted = 0 and source = 'front', false);

  for walks in 1 .. case when is_long then ${MOST_WALKS} else 0 end loop
    exit when wanted = 0 or is_full;
    look := wanted + ${BUSY_LANES};
    select array_agg(head.row) filter (where head.row is not null),
      array_agg(walked.lane) filter (where head.row is not null),
      array_agg(head.size) filter (where head.row is not null), max(walked.lane), count(*)
    into heads, lanes, sizes, walk_from, visited
    from ${functionName(tables, 'walk')}(of_queue, walk_from, look) walked
    left join lateral (
      ${byId(tables, { queue: 'of_queue', id: 'walked.id' }, `job.ctid as row, ${SIZE_COLUMN} as size`)} and job.state::text in ('created', 'retry')
        and job.start_after <= ${tables.jobNow}
      for update skip locked
    ) head on walked.idle;
    chosen := null;
    ${leavingPaused(tables)}
    ${makingRoom(['heads', 'lanes'])}
    ${sortingOutHeads}
    ${claimChosen}
    if visited < look then
      walk_from := '';
      exit;
    end if;
  end loop;
  -- Unless it has come to the last lane, and had a slot for each that was idle.
  more := more or is_full or is_long and (wanted = 0 or walk_from <> '');

  ${movingMarks('wrote')}
  ${FORGETTING_PAUSED}
  return query select ${NO_DELIVERY}, more, full_up, coming, is_slow, marks::text, walk_from;
end
$function$`
}

/** SQL: chooses from `heads` as many as are wanted and allowed. */
const sortingOutHeads = `if handlers is null then
        chosen := heads[1:wanted];
      else
        for i in 1 .. coalesce(cardinality(heads), 0) loop
          exit when cardinality(chosen) = wanted;
          ${sortingOut('heads[i]', handlerOfLane('lanes[i]'))}
        end loop;
      end if;`
