create table postbus.dead_letter (
  delivery_id uuid not null,
  queue text not null,
  handler text not null,
  event_id uuid,
  event_type text,
  partition_key text,
  reason text not null,
  attempts jsonb not null default '[]'::jsonb,
  blocks_key boolean not null default false,
  died_at timestamp with time zone not null default now(),
  discarded_at timestamp with time zone
);

create table postbus.event (
  seq bigint not null generated always as identity,
  id uuid not null,
  type text not null,
  version integer not null,
  partition_key text,
  payload json not null,
  correlation_id text not null,
  causation_id text,
  source text,
  metadata json,
  occurred_at timestamp with time zone not null,
  published_at timestamp with time zone not null default clock_timestamp(),
  expires_at timestamp with time zone
);

create table postbus.migration (
  name character varying(255) not null,
  "timestamp" character varying(255) not null
);

create table postbus.migration_lock (
  id character varying(255) not null,
  is_locked integer not null default 0
);

create table postbus.worker (
  id uuid not null,
  host text not null,
  pid integer not null,
  queues text[] not null,
  handlers text[] not null,
  started_at timestamp with time zone not null default now(),
  seen_at timestamp with time zone not null default now()
);

alter table postbus.dead_letter add constraint dead_letter_pkey PRIMARY KEY (delivery_id);

alter table postbus.event add constraint event_id_key UNIQUE (id);

alter table postbus.event add constraint event_pkey PRIMARY KEY (seq);

alter table postbus.migration add constraint migration_pkey PRIMARY KEY (name);

alter table postbus.migration_lock add constraint migration_lock_pkey PRIMARY KEY (id);

alter table postbus.worker add constraint worker_pkey PRIMARY KEY (id);

CREATE INDEX dead_letter_open ON postbus.dead_letter USING btree (died_at, delivery_id) WHERE (discarded_at IS NULL);

CREATE CONSTRAINT TRIGGER refuse_autocommit AFTER INSERT ON postbus.event DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((current_setting('postbus.published_by'::text, true) = 'now'::text)) EXECUTE FUNCTION postbus.refuse_autocommit();

CREATE OR REPLACE FUNCTION postbus.no_such_queue(queue text)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
        begin
          raise exception using errcode = 'PB002', message = format('Queue "%s" does not exist in this database. Run: npx postbus migrate', queue);
        end
        $function$
;

CREATE OR REPLACE FUNCTION postbus.publish(batch text)
 RETURNS TABLE(id uuid, deliveries integer, duplicate boolean)
 LANGUAGE plpgsql
AS $function$
        #variable_conflict use_column
        declare
          parsed jsonb := batch::jsonb;
        begin
          if (parsed ->> 'protocol')::integer <> 1 then
            raise exception using errcode = 'PB001',
              message = format('Schema "%s" is older than the code that publishes. Run: npx postbus migrate', 'postbus');
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
            insert into "postbus".event (
              id, type, version, partition_key, payload, correlation_id, causation_id, source, metadata, occurred_at, expires_at
            )
            select id, type, version, partition_key, payload::json, correlation_id, causation_id, source, metadata::json,
              occurred_at, expires_at
            from input
            order by ord
            on conflict (id) do nothing
            returning event.seq, event.id
          ), delivered as (
            insert into "pgboss".job (
              id, name, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
              retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds
            )
            select
              (lpad(to_hex(stored.seq), 16, '0') || wanted.handler_hash)::uuid,
              coalesce(queue.name, "postbus".no_such_queue(wanted.queue)),
              jsonb_build_object('event', input.id, 'type', input.type, 'handler', wanted.handler),
              wanted.priority,
              "pgboss".job_now(),
              "pgboss".job_now(),
              wanted.singleton_key,
              queue.expire_seconds,
              queue.deletion_seconds,
              "pgboss".job_now() + queue.retention_seconds * interval '1s',
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
            left join "pgboss".queue on queue.name = wanted.queue
            order by stored.seq
            returning id
          ), counted as (
            select "postbus".seq_of_delivery(delivered.id) as seq, count(*)::integer as deliveries from delivered group by 1
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
            perform pg_notify('postbus_postbus', parsed ->> 'wake');
          end if;
        end
        $function$
;

CREATE OR REPLACE FUNCTION postbus.refuse_autocommit()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        begin
          if current_setting('postbus.published_by', true) = extract(epoch from statement_timestamp())::text then
            raise exception using errcode = 'PB003',
              message = 'No transaction was open on this connection: it had already ended, or was never begun. '
                || 'Nothing was published. Publish inside the callback, and await it.';
          end if;
          return null;
        end
        $function$
;

CREATE OR REPLACE FUNCTION postbus.seq_of_delivery(delivery_id uuid)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN ((('x'::text || "left"(replace((delivery_id)::text, '-'::text, ''::text), 16)))::bit(64))::bigint
;

CREATE INDEX postbus_active_58ca598398b11ddf ON pgboss.j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97 USING btree (heartbeat_on) WHERE (state = 'active'::pgboss.job_state);

CREATE INDEX postbus_active_81bfe57c43c70303 ON pgboss.j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185 USING btree (heartbeat_on) WHERE (state = 'active'::pgboss.job_state);

CREATE INDEX postbus_lane_81bfe57c43c70303 ON pgboss.j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185 USING btree (singleton_key, id) WHERE (state < 'completed'::pgboss.job_state);
