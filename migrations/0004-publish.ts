/**
 * The function that publishes: one call, one round trip, for any number of events, handlers and queues.
 *
 *   batch ──► input    ──► stored    insert into postbus.event, in call order; a known id is passed over
 *         ├─► receiver ──► delivered insert into pgboss.job, one row per stored event and handler
 *         └─► wake         one NOTIFY with the names of the queues, at the commit
 *
 * Several events are one statement. One event is two that insert the same: to start and to end a statement of many parts
 * takes as long as the work for one event.
 *
 * Events name a set of receivers each: those of a list mostly have the same, which then travels once.
 *
 * It is a function because its plan is then cached per session for every driver; the same statement sent unprepared
 * spends over half its time in planning. The rows it writes are the rows `boss.insert()` writes (a test compares them).
 *
 * The payload travels as text inside the batch: jsonb_to_recordset decodes every string it passes, and would refuse a
 * payload that holds \u0000.
 *
 * A statement that was meant for the caller's transaction may find itself in autocommit: some clients go on using the
 * connection of a transaction that has ended. The deferred trigger sees that. At the end of a statement of its own,
 * statement_timestamp() is still that of the publishing statement; an explicit COMMIT has set a new one.
 *
 * Commits that notify wait for each other, each until the one before is on the disk. So of those that commit at one moment
 * only one notifies, which is why it is decided at the commit. The others are seen by the workers that it wakes, or are
 * still on their way: a claim sees that there are such, and looks again (`functions/coming.ts`).
 *
 * A queue that does not exist raises an error and so aborts the caller's transaction: an inner join would have stored the
 * event and lost the delivery.
 */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './schema-names.ts'

/** NOTIFY carries at most 8,000 bytes. Longer lists of queues become "all of them". */
const MAX_WAKE_BYTES = 7_000

const INPUT = sql`jsonb_to_recordset(parsed -> 'events') as event (
              ord integer, id uuid, type text, version integer, partition_key text, payload text, correlation_id text,
              causation_id text, source text, metadata text, occurred_at timestamptz, expires_at timestamptz,
              receivers integer
            )`

const EVENT = {
  columns: sql`
              id, type, version, partition_key, payload, correlation_id, causation_id, source, metadata, occurred_at, expires_at
            `,
  values: sql`
              input.id, input.type, input.version, input.partition_key, input.payload::json,
              coalesce(input.correlation_id, input.id::text), input.causation_id, input.source, input.metadata::json,
              input.occurred_at, input.expires_at
            `,
}

export function publish(names: SchemaNames): Migration {
  const postbus = sql.id(names.postbus)
  const pgboss = sql.id(names.pgboss)
  const channel = sql.lit(`postbus_${names.postbus}`)
  const lockOf = (what: string) => sql`hashtextextended(${sql.lit(`postbus ${what} ${names.postbus} `)} || named, 0)`
  const coming = lockOf('coming')
  const notifying = lockOf('notifying')
  const receiver = sql`(
                jsonb_to_recordset(parsed -> 'receivers') as receiver (
                  set integer, handler text, handler_hash text, queue text, priority integer
                )
                left join ${pgboss}.queue on queue.name = receiver.queue
              )`
  const job = {
    columns: sql`
                id, name, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
                retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds
              `,
    values: sql`
                (lpad(to_hex(stored.seq), 16, '0') || receiver.handler_hash)::uuid,
                coalesce(queue.name, ${postbus}.no_such_queue(receiver.queue)),
                jsonb_object(array['event', input.id::text, 'type', input.type, 'handler', receiver.handler]),
                receiver.priority,
                ${pgboss}.job_now(),
                ${pgboss}.job_now(),
                receiver.handler || ':' || input.partition_key,
                queue.expire_seconds,
                queue.deletion_seconds,
                ${pgboss}.job_now() + queue.retention_seconds * interval '1s',
                queue.retry_limit,
                queue.retry_delay,
                queue.retry_backoff,
                queue.retry_delay_max,
                queue.policy,
                queue.dead_letter,
                queue.heartbeat_seconds
              `,
  }
  return {
    async up(db) {
      await sql`
        create function ${postbus}.no_such_queue(queue text) returns text language plpgsql as $function$
        begin
          raise exception using errcode = 'PB002', message = format('Queue "%s" does not exist in this database. Run: npx postbus migrate', queue);
        end
        $function$`.execute(db)

      await sql`
        create function ${postbus}.wake(queues text) returns text language plpgsql as $function$
        declare
          named text;
          untold text;
        begin
          foreach named in array string_to_array(queues, ' ') loop
            if not pg_try_advisory_xact_lock_shared(${coming})
              or pg_try_advisory_xact_lock(${notifying})
            then untold := concat_ws(' ', untold, named); end if;
          end loop;
          if untold is not null then
            perform pg_notify(${channel}, case when length(untold) > ${sql.lit(MAX_WAKE_BYTES)} then '*' else untold end);
          end if;
          return untold;
        end
        $function$`.execute(db)

      await sql`
        create function ${postbus}.at_commit() returns trigger language plpgsql as $function$
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
            done := ${postbus}.wake(queues);
            done := set_config('postbus.wake', '', true);
          end if;
          return null;
        end
        $function$`.execute(db)

      await sql`
        create constraint trigger at_commit after insert on ${postbus}.event
        deferrable initially deferred
        for each row when (current_setting('postbus.published_by', true) = 'now')
        execute function ${postbus}.at_commit()`.execute(db)

      await sql`
        create function ${postbus}.publish(batch text)
        returns table (id uuid, deliveries integer, duplicate boolean)
        language plpgsql as $function$
        #variable_conflict use_column
        declare
          parsed jsonb := batch::jsonb;
          input record;
          stored record;
          in_transaction boolean := (parsed -> 'in_transaction')::boolean;
          queues text := parsed ->> 'wake';
          wake text;
          done text; -- an assignment is evaluated at once, where perform runs a query
        begin
          if (parsed ->> 'protocol')::integer <> 1 then
            raise exception using errcode = 'PB001',
              message = format('Schema "%s" is older than the code that publishes. Run: npx postbus migrate', ${sql.lit(names.postbus)});
          end if;

          if in_transaction then
            done := set_config('postbus.published_by', 'now', true);
          end if;

          if jsonb_array_length(parsed -> 'events') = 1 then
            select * into input from ${INPUT};
            insert into ${postbus}.event (${EVENT.columns}) values (${EVENT.values})
            on conflict (id) do nothing
            returning event.seq into stored;
            id := input.id;
            duplicate := not found;
            deliveries := 0;
            if not duplicate then
              insert into ${pgboss}.job (${job.columns}) select ${job.values} from ${receiver};
              get diagnostics deliveries = row_count;
            end if;
            return next;
          else
            return query
            with input as materialized (
              select * from ${INPUT}
            ), stored as (
              insert into ${postbus}.event (${EVENT.columns}) select ${EVENT.values} from input order by ord
              on conflict (id) do nothing
              returning event.seq, event.id
            ), delivered as (
              insert into ${pgboss}.job (${job.columns})
              select ${job.values}
              from input
              join ${receiver} on receiver.set = input.receivers
              join stored on stored.id = input.id
              order by stored.seq
              returning id
            ), counted as (
              select ${postbus}.seq_of_delivery(delivered.id) as seq, count(*)::integer as deliveries from delivered group by 1
            )
            select input.id, coalesce(counted.deliveries, 0), stored.seq is null
            from input
            left join stored on stored.id = input.id
            left join counted on counted.seq = stored.seq
            order by input.ord;
          end if;

          if in_transaction then
            done := set_config('postbus.published_by', extract(epoch from statement_timestamp())::text, true);
            wake := coalesce(current_setting('postbus.wake', true), '');
            if ' ' || wake || ' ' not like '% ' || queues || ' %' then
              done := set_config('postbus.wake', concat_ws(' ', nullif(wake, ''), queues), true);
            end if;
          elsif queues is not null then
            done := ${postbus}.wake(queues);
          end if;
        end
        $function$`.execute(db)
    },
  }
}
