/**
 * The function that publishes: one call, one round trip, whatever the number of events, handlers and queues.
 *
 *   batch ──► input  ──► stored    insert into postbus.event, in call order; a known id is passed over
 *         └─► wanted ──► delivered insert into pgboss.job, one row per stored event and handler
 *                   └──► one NOTIFY with the names of the queues
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
 * A queue that does not exist raises an error and so aborts the caller's transaction: an inner join would have stored the
 * event and lost the delivery.
 */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { SchemaNames } from './index.ts'

export function publish(names: SchemaNames): Migration {
  const postbus = sql.id(names.postbus)
  const pgboss = sql.id(names.pgboss)
  const channel = sql.lit(`postbus_${names.postbus}`)
  return {
    async up(db) {
      await sql`
        create function ${postbus}.no_such_queue(queue text) returns text language plpgsql as $function$
        begin
          raise exception using errcode = 'PB002', message = format('Queue "%s" does not exist in this database. Run: npx postbus migrate', queue);
        end
        $function$`.execute(db)

      await sql`
        create function ${postbus}.refuse_autocommit() returns trigger language plpgsql as $function$
        begin
          if current_setting('postbus.published_by', true) = extract(epoch from statement_timestamp())::text then
            raise exception using errcode = 'PB003',
              message = 'No transaction was open on this connection: it had already ended, or was never begun. '
                || 'Nothing was published. Publish inside the callback, and await it.';
          end if;
          return null;
        end
        $function$`.execute(db)

      await sql`
        create constraint trigger refuse_autocommit after insert on ${postbus}.event
        deferrable initially deferred
        for each row when (current_setting('postbus.published_by', true) = 'now')
        execute function ${postbus}.refuse_autocommit()`.execute(db)

      await sql`
        create function ${postbus}.publish(batch text)
        returns table (id uuid, deliveries integer, duplicate boolean)
        language plpgsql as $function$
        #variable_conflict use_column
        declare
          parsed jsonb := batch::jsonb;
        begin
          if (parsed ->> 'protocol')::integer <> 1 then
            raise exception using errcode = 'PB001',
              message = format('Schema "%s" is older than the code that publishes. Run: npx postbus migrate', ${sql.lit(names.postbus)});
          end if;

          if (parsed -> 'in_transaction')::boolean then
            perform set_config('postbus.published_by', 'now', true);
          end if;

          return query
          with input as materialized (
            select * from jsonb_to_recordset(parsed -> 'events') as event (
              ord integer, id uuid, type text, version integer, partition_key text, payload text, correlation_id text,
              causation_id text, source text, metadata text, occurred_at timestamptz, expires_at timestamptz
            )
          ), wanted as materialized (
            select * from jsonb_to_recordset(parsed -> 'deliveries') as delivery (
              ord integer, handler text, handler_hash text, queue text, priority integer, singleton_key text
            )
          ), stored as (
            insert into ${postbus}.event (
              id, type, version, partition_key, payload, correlation_id, causation_id, source, metadata, occurred_at, expires_at
            )
            select id, type, version, partition_key, payload::json, correlation_id, causation_id, source, metadata::json,
              occurred_at, expires_at
            from input
            order by ord
            on conflict (id) do nothing
            returning event.seq, event.id
          ), delivered as (
            insert into ${pgboss}.job (
              id, name, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
              retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds
            )
            select
              (lpad(to_hex(stored.seq), 16, '0') || wanted.handler_hash)::uuid,
              coalesce(queue.name, ${postbus}.no_such_queue(wanted.queue)),
              jsonb_build_object('event', input.id, 'type', input.type, 'handler', wanted.handler),
              wanted.priority,
              ${pgboss}.job_now(),
              ${pgboss}.job_now(),
              wanted.singleton_key,
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
            from wanted
            join input using (ord)
            join stored on stored.id = input.id
            left join ${pgboss}.queue on queue.name = wanted.queue
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

          if (parsed -> 'in_transaction')::boolean then
            perform set_config('postbus.published_by', extract(epoch from statement_timestamp())::text, true);
          end if;
          if parsed ->> 'wake' is not null then
            perform pg_notify(${channel}, parsed ->> 'wake');
          end if;
        end
        $function$`.execute(db)
    },
  }
}
