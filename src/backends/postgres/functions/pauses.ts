/**
 * Pauses handlers, queues and single lanes. An operator's pause is a row of a table that is mostly empty. Each claim, and each settle
 * of lanes, asks whether there is any row, and only then reads them. So pauses hold in every process at once, and survive all of them.
 *
 *   a queue      a claim of it returns at once, and looks at nothing
 *   a handler    it has no free slot: a claim sets its deliveries aside, each once (see `set-aside.ts`), until the handler goes on
 *   a lane       a claim parks its deliveries behind the pause, each once, as it would behind an older delivery
 *
 * A lane's head is parked only while the claim locks the row of the pause. To resume, that row is deleted, which waits for the claim.
 * Then the head is promoted in a later statement, which sees what was parked. The sweep finds a head that was missed: one that is
 * parked, in a lane that is not paused.
 *
 * Settles hand out no delivery that is paused, and cut its run. They still promote the head, as if nothing were paused: only a claim
 * may park it behind the pause.
 *
 * A rewind pauses a lane for a while only (`until`), so that a rewind whose process has died does not hold up the lane for long. A
 * circuit breaker pauses its handler for a while, too. Afterwards, as long as the row is there, claims take one delivery of the
 * handler at a time: the probe (see `pace.ts`).
 */
import { handlerOfLane } from '../../../deliveries/lane-key.ts'
import type { Tables } from '../schema/tables.ts'
import { ACTIVE, functionName, HANDLER } from './sql.ts'
import { limitsLock } from './set-aside.ts'

export const PAUSE_VARIABLES = `
  has_pauses boolean;
  is_queue_paused boolean := false;
  paused_handlers text[];
  probed_handlers text[];
  has_paused_lanes boolean := false;`

/** Further variables, for claims of lanes. */
export const PAUSED_LANE_VARIABLES = `
  halted text[];
  held_pauses text[];
  put_off tid[];`

const HOLDS = 'one.until > clock_timestamp()'

/** SQL: reads the pauses that may concern `of_queue`. While there are none, it is one probe of an empty index. */
export function readingPauses({ pause }: Tables): string {
  return `perform from ${pause} limit 1;
  has_pauses := found;
  if has_pauses then
    select coalesce(bool_or(paused.kind = 'queue'), false), array_agg(paused.name) filter (where paused.kind = 'handler'),
      array_agg(paused.name) filter (where paused.kind = 'handler' and not paused.holds), coalesce(bool_or(paused.kind = 'lane'), false)
    into is_queue_paused, paused_handlers, probed_handlers, has_paused_lanes
    from (
      (select one.kind, one.name, ${HOLDS} as holds from ${pause} one where one.kind = 'handler')
      union all
      (select one.kind, one.name, true from ${pause} one
      where one.kind = 'queue' and one.name = regexp_replace(of_queue, '_partitioned$', '') and ${HOLDS})
      union all
      (select one.kind, one.name, true from ${pause} one where one.kind = 'lane' limit 1)
    ) paused;
  end if;`
}

/**
 * SQL: gives a paused handler no free slot, and a probed handler one in all processes together. These entries come before the handler's own
 * limit, if it has one.
 */
export function limitingPaused(tables: Tables): string {
  return `if is_queue_paused then return; end if;
  if paused_handlers is not null then
    handlers := paused_handlers || handlers;
    free := array_fill(0, array[cardinality(paused_handlers)]) || free;
  end if;
  if probed_handlers is not null then
    perform pg_advisory_xact_lock(${limitsLock(tables)});
    select array_agg(probed.name) || handlers, array_agg(greatest(0, 1 - active.count)) || free into handlers, free
    from unnest(probed_handlers) as probed (name)
    cross join lateral (
      select count(*)::integer as count from (
        select from ${tables.delivery} job where ${ACTIVE} and ${HANDLER} = probed.name order by job.heartbeat_on limit 1
      ) one
    ) active;
  end if;`
}

/** SQL: takes paused handlers out of `full_up`, because there is no free slot of theirs to wait for. */
export const FORGETTING_PAUSED = `if paused_handlers is not null then
    full_up := (select array_agg(waiting.handler) from unnest(full_up) as waiting (handler) where waiting.handler <> all(paused_handlers));
  end if;`

/**
 * SQL: takes the candidates of paused lanes, which are locked, out of `candidates`, and parks them. It does not park a candidate
 * whose pause ends at this moment.
 */
export function parkingPaused(tables: Tables): string {
  const candidate = 'unnest(candidates, ids, lanes, sizes) as candidate (row, id, lane, size)'
  return `put_off := null;
    if has_paused_lanes and candidates is not null then
      halted := array(select one.name from ${tables.pause} one where one.kind = 'lane' and one.name = any(lanes) and ${HOLDS});
      if halted <> '{}' then
        select array_agg(held.name) into held_pauses from (
          select one.name from ${tables.pause} one where one.kind = 'lane' and one.name = any(halted) for share skip locked
        ) held;
        put_off := array(select candidate.row from ${candidate} where candidate.lane = any(held_pauses));
        update ${tables.delivery} job set blocked = true, group_tier = null from unnest(put_off) as late (row) where job.ctid = late.row;
        select array_agg(candidate.row), array_agg(candidate.id), array_agg(candidate.lane), array_agg(candidate.size)
        into candidates, ids, lanes, sizes from ${candidate} where candidate.lane <> all(halted);
        wrote := true;
      end if;
    end if;`
}

/** SQL: takes the heads of paused lanes out of `heads`, which a walk has found. */
export function leavingPaused(tables: Tables): string {
  const head = 'unnest(heads, lanes, sizes) as head (row, lane, size)'
  return `if has_paused_lanes then
      select array_agg(head.row), array_agg(head.lane), array_agg(head.size) into heads, lanes, sizes
      from ${head} where not ${isLanePaused(tables, 'head.lane')};
    end if;`
}

export function isLanePaused({ pause }: Tables, lane: string): string {
  return `exists (select from ${pause} one where one.kind = 'lane' and one.name = ${lane} and ${HOLDS})`
}

/** SQL: whether a pause keeps this lane from going on. It needs the variables that `readingPauses` sets. */
export function isPaused(tables: Tables, lane: string): string {
  return `(has_pauses and (is_queue_paused or coalesce(${handlerOfLane(lane)} = any(paused_handlers), false)
      or has_paused_lanes and ${isLanePaused(tables, lane)}))`
}

/** Ends a pause. For the pause of a lane, it promotes the head that was parked behind it. Returns whether there was a pause. */
export function resumeFunction(tables: Tables): string {
  const { channel, ownQueue, pause } = tables
  return `
create or replace function ${functionName(tables, 'resume')}(of_kind text, of_name text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
  queues text[];
  queue text;
begin
  delete from ${pause} one where one.kind = of_kind and one.name = of_name;
  if not found then return false; end if;
  if of_kind = 'lane' then
    queues := array(select one.name from ${ownQueue} one where one.name like '%\\_partitioned' order by one.name);
    foreach queue in array queues loop
      if ${functionName(tables, 'promote')}(queue, array[of_name]) > 0 then perform pg_notify('${channel}', queue); end if;
    end loop;
  end if;
  perform pg_notify('${channel}', '*');
  return true;
end
$function$`
}
