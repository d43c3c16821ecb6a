/**
 * The functions that publish any number of events to any number of handlers, in one round trip.
 *
 *   batch ──► input    ──► stored    insert into postbus.event, in call order; a known id is ignored
 *         ├─► receiver ──► delivered insert into pgboss.job, one row per stored event and handler
 *         └─► wake         one NOTIFY with the names of the queues, at the commit
 *
 * Several events are written by one statement. One event is written by two, with the same rows: to start and to end a statement of
 * many parts takes as long as the work for one event.
 *
 * Each event names a set of receivers. The events of a list mostly have the same set, which then travels once.
 *
 * It is a function because its plan is then cached per session for every driver; the same statement sent unprepared
 * spends over half its time in planning. The rows it writes are the rows `boss.insert()` writes (a test compares them).
 *
 * The payload travels as text inside the batch: jsonb_to_recordset decodes every string it passes, and would refuse a
 * payload that holds \u0000.
 *
 * A statement that was meant for the caller's transaction may run in autocommit: some clients go on using the connection of a
 * transaction that has ended. The deferred trigger sees that. At the end of a statement in autocommit, statement_timestamp() is
 * still that of the publishing statement; an explicit COMMIT has set a new one.
 *
 * Commits that notify wait for each other, each until the one before is on the disk. So of transactions that commit at the same
 * moment only one notifies, which is decided at the commit. The workers that it wakes see the other commits, or these are still on
 * their way: a claim sees that there are such commits, and the worker looks again (`coming.ts`).
 *
 * In a transaction that said `set constraints all immediate`, the trigger runs before the commit: at that statement, for earlier
 * publishes, and at each later publish. That is why the settings that it reads are made before the event is inserted. It may be long
 * until the commit, so the trigger takes no locks then, and notifies without looking at other transactions.
 *
 * The transaction gets its id before the event gets its seq. Readers of the log rely on that: they could not wait for a transaction
 * that has a seq and no id yet. Each delivery is dated by the clock after that, for the marks of claims.
 *
 * These functions do not use the caller's search path, and see pg_catalog alone. Otherwise a function that another role has put
 * into `public` could run with the publisher's rights.
 *
 * For an event that is published for later, the event's row says so too: a backfill or a reader of the log has to know.
 *
 * Deliveries are written into their own table, and not through the partitioned one above it: to route rows takes time.
 *
 * The mode of a handler may have changed since the caller loaded the modes (`log-change.ts`). Then nothing is written, and the function returns -1
 * deliveries. A transaction with an older snapshot may publish in the mode that it sees: the change waits for its end.
 *
 * A queue that does not exist raises an error and so aborts the caller's transaction: an inner join would store the event and
 * lose the delivery.
 */
import { queueLockKey } from '../schema/advisory-locks.ts'
import type { Tables } from '../schema/tables.ts'
import { eventOf, JOB_COLUMNS, jobValues } from './rows.ts'
import { functionName, GATED, HELD, OWN_PATH } from './sql.ts'

/** NOTIFY carries at most 8,000 bytes. A longer list of queues becomes `*`: all of them. */
export const MAX_WAKE_BYTES = 7_000

export function publishFunctions(tables: Tables): readonly string[] {
  return [noSuchQueueFunction(tables), wakeFunction(tables), atCommitFunction(tables), publishFunction(tables)]
}

const INPUT = `jsonb_to_recordset(parsed -> 'events') as event (
        ord integer, id uuid, type text, version integer, partition_key text, payload text, correlation_id text,
        causation_id text, caused_by_handler text, initialized_at timestamptz, source text, metadata text,
        occurred_at timestamptz, expires_at timestamptz, retain_ms float8, receivers integer
      )`

const EVENT = eventOf(`now() + input.retain_ms * interval '1 ms'`)

function publishFunction(tables: Tables): string {
  const { clock, delivery, deliveryEpoch, event, logHandler, names, seqOfDelivery } = tables
  // Most handlers have no backfill, and cost no look at a table. One event whose handlers need nothing special has a statement of its own.
  const isGated = `(later is not null or coalesce(receiver.held, false) or case when receiver.backfilled then ${functionName(tables, 'is_gated')}(receiver.handler)
            else coalesce(receiver.finishes = 'later', false) end)`
  const gate = `case when receiver.finishes = 'later' then ${GATED} else coalesce(later, case when receiver.held then ${HELD} else ${GATED} end) end`
  const how = { isGated, gate }
  const receivers = (more: string) => `(
          jsonb_to_recordset(parsed -> 'receivers') as receiver (
            set integer, handler text, handler_hash text, queue text, priority integer${more}
          )
          left join ${tables.queue} on queue.name = receiver.queue
        )`
  const receiver = receivers(', backfilled boolean, finishes text, held boolean')
  const plainReceiver = receivers('')
  return `
create or replace function ${functionName(tables, 'publish')}(batch text)
returns table (id uuid, deliveries integer, duplicate boolean)
language plpgsql ${OWN_PATH} as $function$
#variable_conflict use_column
declare
  parsed jsonb := batch::jsonb;
  input record;
  stored record;
  in_transaction boolean := (parsed -> 'in_transaction')::boolean;
  queues text := parsed ->> 'wake';
  wake text;
  later timestamptz; -- when all of it is due; null: now
  epoch bigint := pg_sequence_last_value('${deliveryEpoch}'::regclass); -- counts changes of mode; null: there was none yet
  done text; -- an assignment is evaluated at once, where perform runs a query
begin
  if (parsed ->> 'protocol')::integer not in (1, 2) then
    raise exception using errcode = 'PB001',
      message = 'Schema "${names.postbus}" is older than the code that publishes. Run: npx postbus migrate';
  end if;

  if epoch is null and not has_sequence_privilege('${deliveryEpoch}'::regclass, 'select') then
    raise exception using errcode = '42501', message = 'permission denied for sequence ${deliveryEpoch}: a role that publishes needs select';
  end if;
  if epoch is not null and epoch > coalesce((parsed ->> 'epoch')::bigint, 0)
    and (select max(one.epoch) from ${logHandler} one) > coalesce((parsed ->> 'epoch')::bigint, 0)
  then
    deliveries := -1; -- the caller has planned with old modes
    return next;
    return;
  end if;

  if in_transaction then
    done := set_config('postbus.published_by', 'now', true);
    wake := coalesce(current_setting('postbus.wake', true), '');
    if ' ' || wake || ' ' not like '% ' || queues || ' %' then
      done := set_config('postbus.wake', concat_ws(' ', nullif(wake, ''), queues), true);
    end if;
  end if;
  done := pg_current_xact_id()::text;
  if parsed ? 'later' then
    later := coalesce((parsed #>> '{later,at}')::timestamptz, ${clock} + (parsed #>> '{later,delay_ms}')::float8 * interval '1 ms');
    if later <= ${clock} then later := null; end if;
  end if;

  if jsonb_array_length(parsed -> 'events') = 1 then
    select * into input from ${INPUT};
    insert into ${event} (${EVENT.columns}, due_at) values (${EVENT.values}, later)
    on conflict (id) do nothing
    returning event.seq into stored;
    id := input.id;
    duplicate := not found;
    deliveries := 0;
    if not duplicate then
      if parsed ? 'plain' then
        insert into ${delivery} (${JOB_COLUMNS}) select ${jobValues(tables)} from ${plainReceiver};
      else
        insert into ${delivery} (${JOB_COLUMNS}) select ${jobValues(tables, how)} from ${receiver};
      end if;
      get diagnostics deliveries = row_count;
    end if;
    return next;
  else
    return query
    with input as materialized (
      select * from ${INPUT}
    ), stored as (
      insert into ${event} (${EVENT.columns}, due_at) select ${EVENT.values}, later from input order by ord
      on conflict (id) do nothing
      returning event.seq, event.id
    ), delivered as (
      insert into ${delivery} (${JOB_COLUMNS})
      select ${jobValues(tables, how)}
      from input
      join ${receiver} on receiver.set = input.receivers
      join stored on stored.id = input.id
      order by stored.seq
      returning id
    ), counted as (
      select ${seqOfDelivery}(delivered.id) as seq, count(*)::integer as deliveries from delivered group by 1
    )
    select input.id, coalesce(counted.deliveries, 0), stored.seq is null
    from input
    left join stored on stored.id = input.id
    left join counted on counted.seq = stored.seq
    order by input.ord;
  end if;

  if parsed ? 'finishes' then
    done := ${functionName(tables, 'finish_later')}(parsed)::text;
  end if;
  if in_transaction then
    done := set_config('postbus.published_by', extract(epoch from statement_timestamp())::text, true);
  elsif queues is not null then
    done := ${functionName(tables, 'wake')}(queues);
  end if;
end
$function$`
}

function noSuchQueueFunction(tables: Tables): string {
  return `
create or replace function ${functionName(tables, 'no_such_queue')}(queue text) returns text language plpgsql ${OWN_PATH} as $function$
begin
  raise exception using errcode = 'PB002', message = format('Queue "%s" does not exist in this database. Run: npx postbus migrate', queue);
end
$function$`
}

function wakeFunction(tables: Tables): string {
  const lock = (what: 'coming' | 'notifying') => queueLockKey(what, tables.names, 'named')
  return `
create or replace function ${functionName(tables, 'wake')}(queues text) returns text language plpgsql ${OWN_PATH} as $function$
declare
  named text;
  untold text;
begin
  foreach named in array string_to_array(queues, ' ') loop
    if not pg_try_advisory_xact_lock_shared(${lock('coming')})
      or pg_try_advisory_xact_lock(${lock('notifying')})
    then untold := concat_ws(' ', untold, named); end if;
  end loop;
  if untold is not null then
    perform ${notifying(tables, 'untold')};
  end if;
  return untold;
end
$function$`
}

/** SQL: notifies, without a look whether another transaction is about to notify. */
function notifying({ channel }: Tables, queues: string): string {
  return `pg_notify('${channel}', case when length(${queues}) > ${MAX_WAKE_BYTES} then '*' else ${queues} end)`
}

function atCommitFunction(tables: Tables): string {
  return `
create or replace function ${functionName(tables, 'at_commit')}() returns trigger language plpgsql security definer ${OWN_PATH} as $function$
declare
  queues text := current_setting('postbus.wake', true);
  done text;
begin
  if current_setting('postbus.published_by', true) = extract(epoch from statement_timestamp())::text then
    raise exception using errcode = 'PB003',
      message = 'No transaction was open on this connection: it had already ended, or was never begun. '
        || 'Nothing was published. Publish inside the callback, and await it.';
  end if;
  if queues <> '' then
    if lower(left(current_query(), 6)) = 'commit' then
      done := ${functionName(tables, 'wake')}(queues);
    else
      perform ${notifying(tables, 'queues')};
    end if;
    done := set_config('postbus.wake', '', true);
  end if;
  return null;
end
$function$`
}
