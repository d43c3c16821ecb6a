/**
 * The history: deliveries that are done. A delivery that ends well leaves the table of deliveries and becomes a narrow row here, in the
 * transaction that settles it.
 *
 * The history is a ring of tables. The table that has its turn takes all new rows. When all rows of a table are older than the
 * retention, it is emptied as a whole, which costs the same however many rows it holds. No table is ever created or dropped. So no
 * settle can find its table missing, and no worker needs the right to create one. Only readers of the table that is being emptied
 * can hold that up.
 */
import type { Tables } from '../schema/tables.ts'
import { errorsIn, FIXED_PLAN, functionName } from './sql.ts'

/** The number of tables in the ring. Each takes the rows of a twelfth of the retention, so a few are empty. */
export const HISTORY_TABLES = 16
const TURNS_PER_RETENTION = 12
/** A turn takes at least this long, however short the retention is. */
const SHORTEST_TURN_MS = 1_000
/** A settle that was under way when the turn passed on has ended by then. */
const LONGEST_SETTLE = `interval '1 minute'`
/** One call moves the history of up to this many kept events. */
const MOVED_AT_ONCE = 5_000

export const HISTORY_VARIABLES = `
  turn smallint;`

export function readingTurn({ historyTurn }: Tables): string {
  return `select one.number into turn from ${historyTurn} one where one.only_one;`
}

/** The end of a deleted delivery that was not handled: the outcome and the reason, as SQL. */
export interface Passing {
  readonly outcome: string
  readonly reason: string
}

/** SQL: writes deleted deliveries to the history, as `kept`, with all errors of their earlier attempts. */
export function writingHistory(tables: Tables, ended: string, passing?: Passing): string {
  const { clock, handler, history, seqOfDelivery } = tables
  const errors = `case when ${ended}.output is not null then jsonb_build_object('errors', ${errorsIn(`${ended}.output`)}) end`
  const detail = passing
    ? `jsonb_strip_nulls(coalesce(${errors}, '{}') || jsonb_build_object('reason', ${passing.reason}))`
    : errors
  const number = `(select one.number from ${handler} one where one.name = ${ended}.handler)`
  // The attempt that finds a delivery expired, cancelled or superseded calls no handler.
  const attempts = passing
    ? `(${ended}.attempts - case when ${passing.outcome} in ('expired', 'cancelled', 'superseded') then 1 else 0 end)`
    : `${ended}.attempts`
  return `kept as (
      insert into ${history} (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
      select ${seqOfDelivery}(${ended}.id), ${clock},
        least(extract(epoch from ${clock} - ${ended}.started_on) * 1000, 2147483647)::integer,
        turn, coalesce(${number}, ${functionName(tables, 'handler_number')}(${ended}.handler)),
        nullif(${attempts}, 1),
        ${passing?.outcome ?? 'null'},
        ${detail}
      from ${ended}
    )`
}

/** Returns the number of a handler, which is added if it is new to the history. Two processes that add it at the same moment get the same. */
export function handlerNumberFunction(tables: Tables): string {
  return `
create or replace function ${functionName(tables, 'handler_number')}(handler text) returns smallint
language plpgsql ${FIXED_PLAN} as $function$
declare
  number smallint;
begin
  insert into ${tables.handler} (name) values (coalesce(handler, '')) on conflict (name) do nothing;
  select one.number into number from ${tables.handler} one where one.name = coalesce(handler, '');
  return number;
end
$function$`
}

/**
 * Passes the turn on when it is time and the next table is empty. It also empties a table whose rows are all older than the
 * retention. Rows of events that still exist first move to the table that has its turn, some at each call. Such an event has a
 * delivery that is not over, or a dead letter. There are few, because a table is emptied only when pruning has passed all its events.
 *
 * Runs with its owner's rights, because a worker need not have the right to empty a table. If a reader is in the way, it waits for
 * a moment only: the next call tries again, and the ring has room.
 */
export function turnHistoryFunction(tables: Tables): string {
  const { clock, event, eventSeq, history, historyTurn, names } = tables
  const slot = `"${names.postbus}".history_table`
  return `
create or replace function ${functionName(tables, 'turn_history')}(retention interval) returns void
language plpgsql security definer ${FIXED_PLAN} as $function$
#variable_conflict use_column
declare
  current record;
  following smallint;
  old record;
  moved bigint[];
begin
  select * into current from ${historyTurn} one where one.only_one for update skip locked;
  if not found then return; end if;

  if current.began_at <= ${clock} - greatest(retention / ${TURNS_PER_RETENTION}, interval '${SHORTEST_TURN_MS} ms') then
    following := (current.number + 1) % ${HISTORY_TABLES};
    update ${slot} one set ended_at = null where one.number = following and one.is_empty;
    if found then
      update ${slot} one set is_empty = false, ended_at = ${clock}, last_seq = (select last_value from ${eventSeq})
      where one.number = current.number;
      update ${historyTurn} one set number = following, began_at = ${clock} where one.only_one;
      current.number := following;
    end if;
  end if;

  select * into old from ${slot} one where not one.is_empty and one.number <> current.number
    and one.ended_at < ${clock} - greatest(retention, ${LONGEST_SETTLE})
    and not exists (
      select from ${event} event
      where event.seq > (select place.after_seq from ${tables.pruning} place where place.only_one) and event.seq <= one.last_seq
      order by event.seq limit 1
    )
  order by one.number limit 1;
  if not found then return; end if;

  select array_agg(kept.seq) into moved from (
    select event.seq from ${event} event
    where event.seq > old.moved_to and event.seq <= old.last_seq order by event.seq limit ${MOVED_AT_ONCE}
  ) kept;
  if moved is not null then
    insert into ${history} (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
    select kept.seq, kept.ended_at, kept.took_ms, current.number, kept.handler, kept.attempts, kept.outcome, kept.detail
    from unnest(moved) as one (seq) cross join lateral (
      select done.* from ${history} done where done.seq = one.seq and done.turn = old.number offset 0
    ) kept;
    delete from ${history} done where done.turn = old.number and done.seq = any(moved);
    update ${slot} one set moved_to = moved[cardinality(moved)] where one.number = old.number;
    return;
  end if;

  begin
    perform set_config('lock_timeout', '100ms', true);
    execute format('truncate "${names.postbus}".history_%s', old.number);
    update ${slot} one set is_empty = true, ended_at = null, last_seq = 0, moved_to = 0 where one.number = old.number;
  exception when lock_not_available then null;
  end;
end
$function$`
}
