create table postbus.act (
  id bigint not null generated always as identity,
  act text not null,
  filter jsonb not null,
  by text,
  reason text,
  count bigint not null default 0,
  began_at timestamp with time zone not null default clock_timestamp(),
  ended_at timestamp with time zone not null default clock_timestamp()
);

create table postbus.backfill (
  handler text not null,
  id uuid not null default gen_random_uuid(),
  since timestamp with time zone not null,
  state text not null default 'history'::text,
  after_seq bigint not null default 0,
  released_seq bigint not null default 0,
  delivered bigint not null default 0,
  runner uuid,
  leased_until timestamp with time zone not null default '-infinity'::timestamp with time zone,
  began_at timestamp with time zone not null default now(),
  missed_at timestamp with time zone,
  ended_at timestamp with time zone
);

create table postbus.broadcast (
  id bigint not null generated always as identity,
  message text not null,
  sent_at timestamp with time zone not null default clock_timestamp()
);

create table postbus.completion (
  delivery uuid not null,
  completed_at timestamp with time zone not null default clock_timestamp(),
  skipped text
);

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
  dismissed_at timestamp with time zone
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
  expires_at timestamp with time zone,
  caused_by_handler text,
  initialized_at timestamp with time zone,
  redacted text,
  retained_until timestamp with time zone,
  due_at timestamp with time zone,
  is_unasked boolean
);

create table postbus.event_type (
  number smallint not null generated always as identity,
  name text not null
);

create table postbus.finish (
  seq bigint not null,
  finisher uuid not null,
  queue text not null
);

create table postbus.former_registry (
  service text not null,
  digest text not null,
  registered_at timestamp with time zone not null default clock_timestamp()
);

create table postbus.handler (
  number smallint not null generated always as identity,
  name text not null
);

create table postbus.handler_minute (
  minute timestamp with time zone not null,
  handler smallint not null,
  done integer not null,
  skipped integer not null,
  expired integer not null,
  failed integer not null,
  dead integer not null,
  snoozed integer not null,
  run_ms integer[] not null,
  latency_ms integer[] not null
);

create table postbus.history (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_0 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_1 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_10 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_11 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_12 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_13 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_14 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_15 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_2 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_3 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_4 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_5 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_6 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_7 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_8 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_9 (
  seq bigint not null,
  ended_at timestamp with time zone not null,
  took_ms integer not null,
  turn smallint not null,
  handler smallint not null,
  attempts smallint,
  outcome text,
  detail jsonb
);

create table postbus.history_table (
  number smallint not null,
  is_empty boolean not null default true,
  ended_at timestamp with time zone,
  last_seq bigint not null default 0,
  moved_to bigint not null default 0
);

create table postbus.history_turn (
  only_one boolean not null default true,
  number smallint not null default 0,
  began_at timestamp with time zone not null default now()
);

create table postbus.lane_sweep (
  only_one boolean not null default true,
  after_queue integer not null default '-2147483648'::integer,
  after_lane text not null default ''::text,
  swept_at timestamp with time zone not null default now()
);

create table postbus.log_chunk (
  last_seq bigint not null,
  first_seq bigint not null,
  earliest timestamp with time zone not null,
  latest timestamp with time zone not null,
  events integer not null
);

create table postbus.log_cursor (
  handler text not null,
  shard smallint not null,
  "position" bigint not null,
  owner uuid,
  fence bigint not null default 0,
  deaths smallint not null default 0,
  moved_at timestamp with time zone not null default clock_timestamp()
);

create table postbus.log_erasure (
  stream text not null,
  seq bigint not null
);

create table postbus.log_handler (
  handler text not null,
  id uuid not null default gen_random_uuid(),
  shards smallint not null,
  history_to bigint not null,
  began_at timestamp with time zone not null default clock_timestamp(),
  is_forgotten boolean not null default false,
  mode text not null default 'log'::text,
  wanted text not null default 'log'::text,
  wanted_shards smallint,
  epoch bigint not null default 0,
  phase text,
  phase_since timestamp with time zone,
  zone_from bigint,
  zone_to bigint,
  ends_at bigint,
  floors bigint[],
  told jsonb,
  waits_for text[],
  eras int8multirange not null default '{}'::int8multirange
);

create table postbus.log_place (
  only_one boolean not null default true,
  indexed_to bigint not null default 0
);

create table postbus.log_reader (
  id uuid not null,
  beat bigint not null default 0,
  handlers text[] not null,
  seen_at timestamp with time zone not null default clock_timestamp()
);

create table postbus.log_stream (
  stream text not null,
  id uuid not null default gen_random_uuid(),
  owner uuid,
  beat bigint not null default 0,
  life uuid,
  "position" bigint,
  seen_at timestamp with time zone not null default clock_timestamp()
);

create table postbus.lookup (
  seq bigint not null,
  type smallint not null,
  partition_key bigint,
  correlation bigint not null,
  causation bigint
);

create table postbus.migration (
  name character varying(255) not null,
  "timestamp" character varying(255) not null
);

create table postbus.migration_lock (
  id character varying(255) not null,
  is_locked integer not null default 0
);

create table postbus.pace (
  handler text not null,
  next_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  failed_at timestamp with time zone[] not null default '{}'::timestamp with time zone[]
);

create table postbus.pause (
  kind text not null,
  name text not null,
  by text,
  reason text,
  paused_at timestamp with time zone not null default clock_timestamp(),
  until timestamp with time zone not null default 'infinity'::timestamp with time zone
);

create table postbus.pruning (
  only_one boolean not null default true,
  after_seq bigint not null default 0,
  pruned_at timestamp with time zone not null default now(),
  began_at timestamp with time zone not null default now(),
  expired_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  expired_seq bigint not null default 0
);

create table postbus.queue (
  name text not null
);

create table postbus.registered_type (
  name text not null,
  version integer not null,
  service text not null,
  type text not null,
  is_keyed boolean not null,
  retain_ms double precision,
  ttl_ms double precision,
  max_bytes integer not null
);

create table postbus.registry (
  service text not null,
  digest text not null,
  registered_at timestamp with time zone not null default clock_timestamp()
);

create table postbus.replay (
  id uuid not null default gen_random_uuid(),
  handler text not null,
  query jsonb not null,
  state text not null default 'running'::text,
  after_seq bigint not null default 0,
  to_seq bigint not null,
  matching bigint not null,
  examined bigint not null default 0,
  replayed bigint not null default 0,
  retried bigint not null default 0,
  skipped bigint not null default 0,
  runner uuid not null,
  by text,
  reason text,
  began_at timestamp with time zone not null default now(),
  moved_at timestamp with time zone not null default now(),
  ended_at timestamp with time zone
);

create table postbus.schedule (
  name text not null,
  cron text not null,
  time_zone text not null,
  "position" timestamp with time zone not null,
  last_tick_at timestamp with time zone
);

create table postbus.server_life (
  only_one boolean not null default true,
  id uuid not null default gen_random_uuid()
);

create table postbus.subscription (
  type text not null,
  version integer not null,
  service text not null,
  handler text not null,
  handler_hash text not null,
  ord integer not null,
  delivery text not null,
  queue text not null,
  keyed_queue text not null,
  is_ordered boolean not null,
  priority integer not null,
  is_backfilled boolean not null,
  is_finisher boolean not null,
  is_asked_blind boolean not null
);

create table postbus.watch (
  seq bigint not null,
  waiter uuid not null,
  until timestamp with time zone not null
);

create table postbus.worker (
  id uuid not null,
  host text not null,
  pid integer not null,
  queues text[] not null,
  handlers text[] not null,
  started_at timestamp with time zone not null default now(),
  seen_at timestamp with time zone not null default now(),
  slots integer[]
);

alter table postbus.act add constraint act_pkey PRIMARY KEY (id);

alter table postbus.backfill add constraint backfill_pkey PRIMARY KEY (handler);

alter table postbus.broadcast add constraint broadcast_pkey PRIMARY KEY (id);

alter table postbus.completion add constraint completion_pkey PRIMARY KEY (delivery);

alter table postbus.dead_letter add constraint dead_letter_pkey PRIMARY KEY (delivery_id);

alter table postbus.event add constraint event_id_key UNIQUE (id);

alter table postbus.event add constraint event_pkey PRIMARY KEY (seq);

alter table postbus.event_type add constraint event_type_name_key UNIQUE (name);

alter table postbus.event_type add constraint event_type_pkey PRIMARY KEY (number);

alter table postbus.finish add constraint finish_pkey PRIMARY KEY (seq);

alter table postbus.former_registry add constraint former_registry_pkey PRIMARY KEY (service, digest);

alter table postbus.former_registry add constraint former_registry_service_fkey FOREIGN KEY (service) REFERENCES postbus.registry(service) ON DELETE CASCADE;

alter table postbus.handler add constraint handler_name_key UNIQUE (name);

alter table postbus.handler add constraint handler_pkey PRIMARY KEY (number);

alter table postbus.handler_minute add constraint handler_minute_pkey PRIMARY KEY (minute, handler);

alter table postbus.history_table add constraint history_table_pkey PRIMARY KEY (number);

alter table postbus.history_turn add constraint history_turn_only_one_check CHECK (only_one);

alter table postbus.history_turn add constraint history_turn_pkey PRIMARY KEY (only_one);

alter table postbus.lane_sweep add constraint lane_sweep_only_one_check CHECK (only_one);

alter table postbus.lane_sweep add constraint lane_sweep_pkey PRIMARY KEY (only_one);

alter table postbus.log_chunk add constraint log_chunk_pkey PRIMARY KEY (last_seq);

alter table postbus.log_cursor add constraint log_cursor_pkey PRIMARY KEY (handler, shard);

alter table postbus.log_erasure add constraint log_erasure_pkey PRIMARY KEY (stream, seq);

alter table postbus.log_erasure add constraint log_erasure_stream_fkey FOREIGN KEY (stream) REFERENCES postbus.log_stream(stream) ON DELETE CASCADE;

alter table postbus.log_handler add constraint log_handler_mode_check CHECK ((mode = ANY (ARRAY['job'::text, 'held'::text, 'log'::text])));

alter table postbus.log_handler add constraint log_handler_phase_check CHECK ((phase = ANY (ARRAY['preparing'::text, 'telling'::text, 'announcing'::text, 'waiting'::text, 'reading'::text, 'releasing'::text])));

alter table postbus.log_handler add constraint log_handler_pkey PRIMARY KEY (handler);

alter table postbus.log_handler add constraint log_handler_wanted_check CHECK ((wanted = ANY (ARRAY['job'::text, 'log'::text])));

alter table postbus.log_place add constraint log_place_only_one_check CHECK (only_one);

alter table postbus.log_place add constraint log_place_pkey PRIMARY KEY (only_one);

alter table postbus.log_reader add constraint log_reader_pkey PRIMARY KEY (id);

alter table postbus.log_stream add constraint log_stream_pkey PRIMARY KEY (stream);

alter table postbus.lookup add constraint lookup_pkey PRIMARY KEY (seq);

alter table postbus.migration add constraint migration_pkey PRIMARY KEY (name);

alter table postbus.migration_lock add constraint migration_lock_pkey PRIMARY KEY (id);

alter table postbus.pace add constraint pace_pkey PRIMARY KEY (handler);

alter table postbus.pause add constraint pause_kind_check CHECK ((kind = ANY (ARRAY['handler'::text, 'queue'::text, 'lane'::text])));

alter table postbus.pause add constraint pause_pkey PRIMARY KEY (kind, name);

alter table postbus.pruning add constraint pruning_only_one_check CHECK (only_one);

alter table postbus.pruning add constraint pruning_pkey PRIMARY KEY (only_one);

alter table postbus.queue add constraint queue_pkey PRIMARY KEY (name);

alter table postbus.registered_type add constraint registered_type_pkey PRIMARY KEY (name, version, service);

alter table postbus.registered_type add constraint registered_type_service_fkey FOREIGN KEY (service) REFERENCES postbus.registry(service) ON DELETE CASCADE;

alter table postbus.registry add constraint registry_pkey PRIMARY KEY (service);

alter table postbus.replay add constraint replay_pkey PRIMARY KEY (id);

alter table postbus.schedule add constraint schedule_pkey PRIMARY KEY (name);

alter table postbus.server_life add constraint server_life_only_one_check CHECK (only_one);

alter table postbus.server_life add constraint server_life_pkey PRIMARY KEY (only_one);

alter table postbus.subscription add constraint subscription_pkey PRIMARY KEY (type, version, service, handler);

alter table postbus.subscription add constraint subscription_service_fkey FOREIGN KEY (service) REFERENCES postbus.registry(service) ON DELETE CASCADE;

alter table postbus.watch add constraint watch_pkey PRIMARY KEY (seq, waiter);

alter table postbus.worker add constraint worker_pkey PRIMARY KEY (id);

CREATE INDEX dead_letter_open ON postbus.dead_letter USING btree (died_at, delivery_id) WHERE (dismissed_at IS NULL);

CREATE INDEX history_0_seq_idx ON postbus.history_0 USING btree (seq);

CREATE INDEX history_10_seq_idx ON postbus.history_10 USING btree (seq);

CREATE INDEX history_11_seq_idx ON postbus.history_11 USING btree (seq);

CREATE INDEX history_12_seq_idx ON postbus.history_12 USING btree (seq);

CREATE INDEX history_13_seq_idx ON postbus.history_13 USING btree (seq);

CREATE INDEX history_14_seq_idx ON postbus.history_14 USING btree (seq);

CREATE INDEX history_15_seq_idx ON postbus.history_15 USING btree (seq);

CREATE INDEX history_1_seq_idx ON postbus.history_1 USING btree (seq);

CREATE INDEX history_2_seq_idx ON postbus.history_2 USING btree (seq);

CREATE INDEX history_3_seq_idx ON postbus.history_3 USING btree (seq);

CREATE INDEX history_4_seq_idx ON postbus.history_4 USING btree (seq);

CREATE INDEX history_5_seq_idx ON postbus.history_5 USING btree (seq);

CREATE INDEX history_6_seq_idx ON postbus.history_6 USING btree (seq);

CREATE INDEX history_7_seq_idx ON postbus.history_7 USING btree (seq);

CREATE INDEX history_8_seq_idx ON postbus.history_8 USING btree (seq);

CREATE INDEX history_9_seq_idx ON postbus.history_9 USING btree (seq);

CREATE INDEX history_seq ON ONLY postbus.history USING btree (seq);

CREATE INDEX lookup_causation ON postbus.lookup USING btree (causation, seq) WHERE (causation IS NOT NULL);

CREATE INDEX lookup_correlation ON postbus.lookup USING btree (correlation, seq) WHERE (correlation IS NOT NULL);

CREATE INDEX lookup_partition_key ON postbus.lookup USING btree (partition_key, seq) WHERE (partition_key IS NOT NULL);

CREATE INDEX lookup_type ON postbus.lookup USING btree (type, seq) WHERE (type IS NOT NULL);

CREATE INDEX postbus_expires ON postbus.event USING btree (expires_at, seq) WHERE (expires_at IS NOT NULL);

CREATE INDEX postbus_retained ON postbus.event USING btree (retained_until, seq) WHERE (retained_until IS NOT NULL);

CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON postbus.completion DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((current_setting('postbus.published_by'::text, true) = 'now'::text)) EXECUTE FUNCTION postbus.at_commit();

CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON postbus.event DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((current_setting('postbus.published_by'::text, true) = 'now'::text)) EXECUTE FUNCTION postbus.at_commit();

CREATE OR REPLACE FUNCTION postbus.at_commit()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
      done := "postbus".wake(queues);
    else
      perform pg_notify('postbus_postbus', case when length(queues) > 7000 then '*' else queues end);
    end if;
    done := set_config('postbus.wake', '', true);
  end if;
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.backfill_batch(of_handler text, handler_hash text, of_queue text, of_priority integer, of_runner uuid, from_seq bigint, upto_seq bigint, chosen bigint[], is_history boolean, is_ordered boolean DEFAULT true)
 RETURNS TABLE(delivered integer)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  this_backfill uuid;
  queues text[];
  seqs bigint[];
  existing uuid[];
  reads_log boolean;
  one text;
begin
  perform pg_current_xact_id();
  update "postbus".backfill one_of set after_seq = upto_seq
  where one_of.handler = of_handler and one_of.runner = of_runner and one_of.after_seq = from_seq and one_of.state <> 'done'
  returning one_of.id into this_backfill;
  if not found then return; end if;
  delivered := 0;
  if chosen <> '{}' then
    reads_log := exists (select from "postbus".log_handler reading where reading.handler = of_handler and (reading.mode <> 'job' or reading.phase = 'preparing')
    and not reading.is_forgotten);
  with recursive used as (
      (select job.name from "pgboss".job_common job order by job.name limit 1)
      union all
      select following.name from used cross join lateral (
        select job.name from "pgboss".job_common job where job.name > used.name order by job.name limit 1
      ) following
    ) select array_agg(used.name) into queues from used join "postbus".queue own on own.name = used.name;
  select array_agg(held.seq) into seqs from unnest(chosen) as asked (seq) cross join lateral (
    select event.seq from "postbus".event event where event.seq = asked.seq for no key update
  ) held;
    select array_agg(found.id) into existing from unnest(seqs) as asked (seq) cross join unnest(queues) as used (queue) cross join lateral (
      select job.id from "pgboss".job_common job where job.name = used.queue and job.id = (lpad(to_hex(asked.seq), 16, '0') || handler_hash)::uuid  offset 0 
    ) found;
    seqs := array(
      select asked.seq from unnest(seqs) as asked (seq) where not exists (
        select from "postbus".history done where done.seq = asked.seq and done.handler = (select one_of.number from "postbus".handler one_of where one_of.name = of_handler)
      )
    );
    insert into "pgboss".job_common (id, name, state, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
          retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds) select (lpad(to_hex(stored.seq), 16, '0') || receiver.handler_hash)::uuid,
          coalesce(queue.name, "postbus".no_such_queue(receiver.queue)),
          case when (reads_log or coalesce(input.due_at > (clock_timestamp() + ("pgboss".job_now() - now())), false)) then 'retry' else 'created' end::"pgboss".job_state,
          jsonb_object(array['event', input.id::text, 'type', input.type, 'handler', receiver.handler] || case when octet_length(input.payload) > 4096 then array['bytes', octet_length(input.payload)::text] end || case when case when is_history then this_backfill end is not null then array['replay', (case when is_history then this_backfill end)::text] end),
          receiver.priority,
          case when (reads_log or coalesce(input.due_at > (clock_timestamp() + ("pgboss".job_now() - now())), false)) then case when coalesce(input.due_at > (clock_timestamp() + ("pgboss".job_now() - now())), false) then input.due_at else timestamptz '9999-12-30 00:00:00+00' end else "pgboss".job_now() end,
          (clock_timestamp() + ("pgboss".job_now() - now())),
          case when right(receiver.queue, 12) = '_partitioned' then receiver.handler || ':' || input.partition_key end,
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
    from unnest(seqs) as stored (seq)
    cross join lateral (
      select event.id, event.type, event.partition_key, event.due_at, case when pg_column_size(event.payload) > 1048576 and octet_length(event.payload::text) > 67108864
          then '' else event.payload::text end from "postbus".event event where event.seq = stored.seq offset 0
    ) input
    cross join lateral (
      select of_handler as handler, handler_hash, of_priority as priority,
        of_queue || case when input.partition_key is null or not is_ordered then '' else '_partitioned' end as queue
    ) receiver
    left join "pgboss".queue queue on queue.name = receiver.queue
    where input.due_at is distinct from 'infinity' and not stored.seq = any(select "postbus".seq_of_delivery(one_of.id) from unnest(existing) as one_of (id))
    on conflict do nothing;
    get diagnostics delivered = row_count;
  end if;
  if delivered > 0 then
    update "postbus".backfill one_of set delivered = one_of.delivered + backfill_batch.delivered,
      missed_at = case when is_history then one_of.missed_at else (clock_timestamp() + ("pgboss".job_now() - now())) end
    where one_of.handler = of_handler;
    foreach one in array array[of_queue, of_queue || '_partitioned'] || queues loop
    perform pg_notify('postbus_postbus', one);
  end loop;
  end if;
  return next;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.backfill_release(of_handler text, of_queue text, of_runner uuid, upto_seq bigint)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  place record;
  upto bigint;
  released integer;
  one text;
begin
  select one_of.released_seq, one_of.after_seq into place from "postbus".backfill one_of
  where one_of.handler = of_handler and one_of.runner = of_runner for update;
  if not found then return 0; end if;
  upto := least(upto_seq, place.after_seq);
  update "postbus".backfill one_of set released_seq = greatest(one_of.released_seq, upto) where one_of.handler = of_handler;
  update "pgboss".job_common job set start_after = (clock_timestamp() + ("pgboss".job_now() - now())) where job.ctid = any(array(
    select gated.row from unnest(array[of_queue, of_queue || '_partitioned']) as used (queue) cross join lateral (
      select job.ctid as row from "pgboss".job_common job
      where job.name = used.queue and job.id >= (lpad(to_hex(place.released_seq + 1), 16, '0') || repeat('0', 16))::uuid and job.id <= (lpad(to_hex(upto), 16, '0') || repeat('f', 16))::uuid
        and job.state::text = 'retry' and job.start_after = timestamptz '9999-12-31 00:00:00+00' and (job.data ->> 'handler') = of_handler
      for update
    ) gated
  ));
  get diagnostics released = row_count;
  if released > 0 then
    foreach one in array array[of_queue, of_queue || '_partitioned'] loop
      perform pg_notify('postbus_postbus', one);
    end loop;
  end if;
  return released;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.broadcast(messages text)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  sent text;
  stored bigint;
begin
  for sent in select one.message from jsonb_array_elements_text(messages::jsonb) with ordinality as one (message, ord) order by one.ord
  loop
    if octet_length(sent) >= 8000 then
      insert into "postbus".broadcast (message) values (sent) returning id into stored;
      sent := stored::text;
    end if;
    perform pg_notify('postbus_postbus.all', sent);
  end loop;
  if stored is not null and current_setting('transaction_isolation') = 'read committed' then
    delete from "postbus".broadcast gone where gone.id in (
      select oldest.id from (select id, sent_at from "postbus".broadcast order by id limit 100 for update skip locked) oldest
      where oldest.sent_at < clock_timestamp() - interval '10 minutes'
    );
  end if;
  return 'sent';
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.cancel(of_event uuid, cancelled_by text, because text)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  held record;
  rows tid[];
  ids uuid[];
  cancelled integer;
  written integer;
  turn smallint;
begin
  select event.seq, event.due_at into held from "postbus".event event where event.id = of_event for update;
  if not found then return 'unknown'; end if;
  if held.due_at is null then return 'not-delayed'; end if;
  if held.due_at = 'infinity' then return 'cancelled 0'; end if;
  if held.due_at <= (clock_timestamp() + ("pgboss".job_now() - now())) then return 'too-late'; end if;
  update "postbus".event event set due_at = 'infinity' where event.seq = held.seq;

  select array_agg(found.row), array_agg(found.id), count(*) filter (where found.handler not like 'postbus.finished.%')
  into rows, ids, cancelled
  from "postbus".queue own cross join lateral (
    select job.ctid as row, job.id, (job.data ->> 'handler') as handler from "pgboss".job_common job
    where job.name = own.name and job.id >= (lpad(to_hex(held.seq), 16, '0') || repeat('0', 16))::uuid and job.id <= (lpad(to_hex(held.seq), 16, '0') || repeat('f', 16))::uuid and job.state::text in ('created', 'retry')
    for update
  ) found;
  select one.number into turn from "postbus".history_turn one where one.only_one;
  with gone as (
    delete from "pgboss".job_common job where job.ctid = any(rows) returning job.id, job.singleton_key, coalesce(job.started_on, (clock_timestamp() + ("pgboss".job_now() - now()))) as started_on, (job.data ->> 'handler') as handler, (job.retry_count - (job.retry_limit - 1000000) + 1) as attempts, job.output
  ), kept as (
      insert into "postbus".history (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
      select "postbus".seq_of_delivery(gone.id), (clock_timestamp() + ("pgboss".job_now() - now())),
        least(extract(epoch from (clock_timestamp() + ("pgboss".job_now() - now())) - gone.started_on) * 1000, 2147483647)::integer,
        turn, coalesce((select one.number from "postbus".handler one where one.name = gone.handler), "postbus".handler_number(gone.handler)),
        nullif((gone.attempts - case when 'cancelled' in ('expired', 'cancelled', 'superseded') then 1 else 0 end), 1),
        'cancelled',
        jsonb_strip_nulls(coalesce(case when gone.output is not null then jsonb_build_object('errors', case when jsonb_typeof(gone.output) = 'array' then gone.output else '[]' end) end, '{}') || jsonb_build_object('reason', concat_ws(': ', 'cancelled by ' || coalesce(cancelled_by, 'the application'), because)))
      from gone
    )
  select count(*) into written from gone;
  delete from "postbus".finish one_of where one_of.seq = held.seq;
  if exists (select from "postbus".watch) then
    perform pg_notify('postbus_postbus_end', case when count(*) > 300 then '*' else string_agg(ended.seq::text, ' ') end)
    from (select distinct "postbus".seq_of_delivery(one.id) as seq from unnest(ids) as one (id)) ended
    where exists (select from "postbus".watch watch where watch.seq = ended.seq)
    having count(*) > 0;
  end if;
  insert into "postbus".act (act, filter, by, reason, count)
  values ('cancel', jsonb_build_object('event', of_event), cancelled_by, because, cancelled);
  return 'cancelled ' || cancelled;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.circuit_failed(of_handler text, failures integer, per_ms double precision, pause_ms double precision, because text)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  moment timestamptz;
  lately timestamptz[];
  over timestamptz;
begin
  insert into "postbus".pace (handler) values (of_handler) on conflict do nothing;
  select one.failed_at into lately from "postbus".pace one where one.handler = of_handler for update;
  moment := clock_timestamp();
  select one.until into over from "postbus".pause one where one.kind = 'handler' and one.name = of_handler and one.by = 'circuit breaker' for update;
  if found then
    if over <= moment then
      update "postbus".pause one set until = moment + pause_ms * interval '1 ms', reason = because
      where one.kind = 'handler' and one.name = of_handler;
    end if;
    return 'open';
  end if;
  lately := array(
    select failed.at from unnest(lately || moment) as failed (at)
    where failed.at > moment - per_ms * interval '1 ms' order by failed.at desc limit failures
  );
  if cardinality(lately) < failures then
    update "postbus".pace one set failed_at = lately where one.handler = of_handler;
    return 'counted';
  end if;
  update "postbus".pace one set failed_at = '{}' where one.handler = of_handler;
  insert into "postbus".pause (kind, name, by, reason, until)
  values ('handler', of_handler, 'circuit breaker', because, moment + pause_ms * interval '1 ms') on conflict do nothing;
  return case when found then 'opened' else 'open' end;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.circuit_passed(of_handler text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
begin
  perform from "postbus".pause one
  where one.kind = 'handler' and one.name = of_handler and one.by = 'circuit breaker' and one.until <= clock_timestamp() for update;
  if not found then return false; end if;
  return "postbus".resume('handler', of_handler);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.claim_2(of_queue text, wanted integer, limits jsonb, marks jsonb, room bigint, shadows text[])
 RETURNS TABLE(id uuid, handler text, claim bigint, attempt integer, seq bigint, event_id uuid, type text, version integer, partition_key text, payload text, correlation_id text, causation_id text, source text, metadata text, occurred_at timestamp with time zone, expires_at timestamp with time zone, rest text, more boolean, held_back text[], coming boolean, slow boolean, marks_now text)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  looked integer := 0;
  wrote boolean := false;
  candidates tid[];
  names text[];
  coming boolean := case when pg_try_advisory_lock(hashtextextended('postbus coming postbus ' || of_queue, 0)) then not pg_advisory_unlock(hashtextextended('postbus coming postbus ' || of_queue, 0)) else true end;
  handlers text[];
  free integer[];
  full_up text[];
  passed_over boolean;
  one record;
  place integer;
  chosen tid[];
  aside tid[];
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
  is_slow boolean := false;
  is_mixed boolean;
  fresh timestamptz[];
  back timestamptz[];
  sizes bigint[];
  is_full boolean := false;
  has_pauses boolean;
  is_queue_paused boolean := false;
  paused_handlers text[];
  probed_handlers text[];
  has_paused_lanes boolean := false;
begin
  began := (clock_timestamp() + ("pgboss".job_now() - now()));
  floors := array_fill('-infinity'::timestamptz, array[20]);
  if marks is not null then
    select one.id into life from "postbus".server_life one where one.only_one;
    if not found then
      insert into "postbus".server_life default values on conflict do nothing;
      select one.id into life from "postbus".server_life one where one.only_one;
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
  end if;
  perform from "postbus".pause limit 1;
  has_pauses := found;
  if has_pauses then
    select coalesce(bool_or(paused.kind = 'queue'), false), array_agg(paused.name) filter (where paused.kind = 'handler'),
      array_agg(paused.name) filter (where paused.kind = 'handler' and not paused.holds), coalesce(bool_or(paused.kind = 'lane'), false)
    into is_queue_paused, paused_handlers, probed_handlers, has_paused_lanes
    from (
      (select one.kind, one.name, one.until > clock_timestamp() as holds from "postbus".pause one where one.kind = 'handler')
      union all
      (select one.kind, one.name, true from "postbus".pause one
      where one.kind = 'queue' and one.name = regexp_replace(of_queue, '_partitioned$', '') and one.until > clock_timestamp())
      union all
      (select one.kind, one.name, true from "postbus".pause one where one.kind = 'lane' limit 1)
    ) paused;
  end if;
  if limits is not null then
    if jsonb_path_exists(limits, '$[*].cluster ? (@ != null)') then
      perform pg_advisory_xact_lock(hashtextextended('postbus limits pgboss ' || regexp_replace(of_queue, '_partitioned$', ''), 0));
    end if;
    select array_agg(limited.handler), array_agg(greatest(0, least(limited.free, limited.cluster - active.count, wanted)))
    into handlers, free
    from jsonb_to_recordset(limits) as limited (handler text, free integer, cluster integer)
    left join lateral (
      select count(*)::integer as count from (
        select from "pgboss".job_common job where job.state = 'active' and job.retry_limit >= 1000000 and (job.data ->> 'handler') = limited.handler and limited.cluster is not null
        order by job.heartbeat_on limit limited.cluster
      ) of_handler
    ) active on limited.cluster is not null;
  end if;
  if is_queue_paused then return; end if;
  if paused_handlers is not null then
    handlers := paused_handlers || handlers;
    free := array_fill(0, array[cardinality(paused_handlers)]) || free;
  end if;
  if probed_handlers is not null then
    perform pg_advisory_xact_lock(hashtextextended('postbus limits pgboss ' || regexp_replace(of_queue, '_partitioned$', ''), 0));
    select array_agg(probed.name) || handlers, array_agg(greatest(0, 1 - active.count)) || free into handlers, free
    from unnest(probed_handlers) as probed (name)
    cross join lateral (
      select count(*)::integer as count from (
        select from "pgboss".job_common job where job.state = 'active' and job.retry_limit >= 1000000 and (job.data ->> 'handler') = probed.name order by job.heartbeat_on limit 1
      ) one
    ) active;
  end if;
  perform from "pgboss".job_common job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' and job.name = of_queue order by job.name, (job.data ->> 'handler') limit 1;
  if found then
    chosen := null;
    look_began := clock_timestamp();
    for one in select * from "postbus".set_aside_2(of_queue, wanted, handlers, free, true, case when marks is not null then floors end) loop
      if one.row is not null then
        place := array_position(handlers, one.handler);
      if free[place] = 0 then
        aside := aside || one.row;
        if array_position(full_up, handlers[place]) is null then full_up := full_up || handlers[place]; end if;
      else
        chosen := chosen || one.row;
        if place is not null then free[place] := free[place] - 1; end if;
      end if;
      end if;
      if one.held_back then full_up := full_up || one.handler; end if;
      passed_over := coalesce(passed_over, false) or one.passed_over;
    end loop;
    is_slow := is_slow or clock_timestamp() - look_began > interval '2 ms' + coalesce(cardinality(chosen), 0) * interval '20 us';
    if chosen is not null then
      return query
        with activated as (
      update "pgboss".job_common job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = (clock_timestamp() + ("pgboss".job_now() - now())),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end,
        retry_limit = job.retry_limit
          + case when job.heartbeat_on is not null and job.output #>> '{-1,begun}' = 'false' then 1 else 0 end
      
      where job.ctid = any(chosen)
      returning job.priority, job.created_on, job.id, job.singleton_key as lane, (job.data ->> 'handler') as handler, (job.data ->> 'replay') as replay, (job.data -> 'awaiting') as awaited,
        (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) as claim, (job.retry_count - (job.retry_limit - 1000000) + 1) + case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end as attempt, coalesce(job.output -> -1 ? 'lost', false) as was_lost
    )
        select activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, event.rest, activated.was_lost, null::text[], null::boolean, null::boolean, null::text from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, case when shadows is not null and activated.handler = any(shadows) then null else case when pg_column_size(event.payload) > 1048576 and octet_length(event.payload::text) > 67108864
          then '' else event.payload::text end end as payload, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at,
        case when event.expires_at is not null and event.expires_at <= (clock_timestamp() + ("pgboss".job_now() - now()))
          then (coalesce(case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end, '{}')::jsonb || '{"is_expired": true}')::text else case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end end as rest
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true order by activated.priority desc, activated.created_on, activated.id;
      wanted := wanted - cardinality(chosen);
      wrote := true;
    end if;
  end if;

  if wanted > 0 then
    is_mixed := marks is not null or exists (
    select from "pgboss".job_common job where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue
    order by job.name, job.priority desc, job.start_after limit 1
  );
  end if;
  if handlers is null and wanted > 0 then
    chosen := null; sizes := null;
    look_began := clock_timestamp();
    if not is_mixed then
      select chosen || array_agg(candidate.c0), sizes || array_agg(candidate.c1) into chosen, sizes from (select job.ctid as c0, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c1 from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.created_on limit wanted
        for update skip locked
      ) candidate;
    else
      select array_agg(one_fresh.at), array_agg(one_back.at) into fresh, back
      from unnest(floors[1:10], floors[11:20]) with ordinality as level (fresh, back, n)
      left join lateral (
        select job.created_on as at from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = (1 - level.n)::integer and job.created_on >= level.fresh 
        order by job.name, job.priority desc, job.created_on limit 1
      ) one_fresh on true
      left join lateral (
        select job.start_after as at from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = (1 - level.n)::integer and job.start_after >= level.back 
        order by job.name, job.priority desc, job.start_after limit 1
      ) one_back on true;
      if first_fresh is null then
        first_fresh := fresh;
        first_back := back;
      end if;
      if wanted - coalesce(cardinality(chosen), 0) > 0 then
        select chosen || array_agg(candidate.c0), sizes || array_agg(candidate.c1) into chosen, sizes from (select job.ctid as c0, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c1 from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority > 0 and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.start_after limit wanted - coalesce(cardinality(chosen), 0)
        for update skip locked
      ) candidate;
      end if;
      if wanted - coalesce(cardinality(chosen), 0) > 0 then
        select chosen || array_agg(candidate.c0), sizes || array_agg(candidate.c1) into chosen, sizes from (select job.ctid as c0, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c1 from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority > 0 and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.created_on limit wanted - coalesce(cardinality(chosen), 0)
        for update skip locked
      ) candidate;
      end if;
      for n in 1 .. 10 loop
        exit when wanted - coalesce(cardinality(chosen), 0) <= 0;
        if back[n] <= "pgboss".job_now() then
          select chosen || array_agg(candidate.c0), sizes || array_agg(candidate.c1) into chosen, sizes from (select job.ctid as c0, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c1 from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = 1 - n and job.start_after >= back[n] and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.start_after limit wanted - coalesce(cardinality(chosen), 0)
        for update skip locked
      ) candidate;
        end if;
        if fresh[n] is not null and wanted - coalesce(cardinality(chosen), 0) > 0 then
          select chosen || array_agg(candidate.c0), sizes || array_agg(candidate.c1) into chosen, sizes from (select job.ctid as c0, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c1 from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = 1 - n and job.created_on >= fresh[n] and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.created_on limit wanted - coalesce(cardinality(chosen), 0)
        for update skip locked
      ) candidate;
        end if;
      end loop;
      if wanted - coalesce(cardinality(chosen), 0) > 0 then
        select chosen || array_agg(candidate.c0), sizes || array_agg(candidate.c1) into chosen, sizes from (select job.ctid as c0, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c1 from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority <= -10 and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.start_after limit wanted - coalesce(cardinality(chosen), 0)
        for update skip locked
      ) candidate;
      end if;
      if wanted - coalesce(cardinality(chosen), 0) > 0 then
        select chosen || array_agg(candidate.c0), sizes || array_agg(candidate.c1) into chosen, sizes from (select job.ctid as c0, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c1 from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority <= -10 and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.created_on limit wanted - coalesce(cardinality(chosen), 0)
        for update skip locked
      ) candidate;
      end if;
    end if;
    is_slow := is_slow or clock_timestamp() - look_began > interval '2 ms' + coalesce(cardinality(chosen), 0) * interval '20 us';
    if array_remove(sizes, null) <> '{}' then
      for i in 1 .. cardinality(sizes) loop
        if room <= 0 then
          sizes := sizes[1 : i - 1]; chosen := chosen[1 : i - 1];
          is_full := true;
          exit;
        end if;
        room := room - coalesce(sizes[i], 0);
      end loop;
    end if;
    if chosen is not null then
      return query
        with activated as (
      update "pgboss".job_common job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = (clock_timestamp() + ("pgboss".job_now() - now())),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end,
        retry_limit = job.retry_limit
          + case when job.heartbeat_on is not null and job.output #>> '{-1,begun}' = 'false' then 1 else 0 end
      
      where job.ctid = any(chosen)
      returning job.priority, job.created_on, job.id, job.singleton_key as lane, (job.data ->> 'handler') as handler, (job.data ->> 'replay') as replay, (job.data -> 'awaiting') as awaited,
        (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) as claim, (job.retry_count - (job.retry_limit - 1000000) + 1) + case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end as attempt, coalesce(job.output -> -1 ? 'lost', false) as was_lost
    )
        select activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, event.rest, activated.was_lost, null::text[], null::boolean, null::boolean, null::text from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, case when shadows is not null and activated.handler = any(shadows) then null else case when pg_column_size(event.payload) > 1048576 and octet_length(event.payload::text) > 67108864
          then '' else event.payload::text end end as payload, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at,
        case when event.expires_at is not null and event.expires_at <= (clock_timestamp() + ("pgboss".job_now() - now()))
          then (coalesce(case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end, '{}')::jsonb || '{"is_expired": true}')::text else case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end end as rest
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true order by activated.priority desc, activated.created_on, activated.id;
      wanted := wanted - cardinality(chosen);
      wrote := true;
    end if;
  end if;
  while handlers is not null and wanted > 0 and not is_full and looked < 200 loop
    candidates := null; names := null; sizes := null;
    look_began := clock_timestamp();
    if not is_mixed then
      select candidates || array_agg(candidate.c0), names || array_agg(candidate.c1), sizes || array_agg(candidate.c2) into candidates, names, sizes from (select job.ctid as c0, (job.data ->> 'handler') as c1, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c2 from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.created_on limit wanted
        for update skip locked
      ) candidate;
    else
      select array_agg(one_fresh.at), array_agg(one_back.at) into fresh, back
      from unnest(floors[1:10], floors[11:20]) with ordinality as level (fresh, back, n)
      left join lateral (
        select job.created_on as at from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = (1 - level.n)::integer and job.created_on >= level.fresh 
        order by job.name, job.priority desc, job.created_on limit 1
      ) one_fresh on true
      left join lateral (
        select job.start_after as at from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = (1 - level.n)::integer and job.start_after >= level.back 
        order by job.name, job.priority desc, job.start_after limit 1
      ) one_back on true;
      if first_fresh is null then
        first_fresh := fresh;
        first_back := back;
      end if;
      if wanted - coalesce(cardinality(candidates), 0) > 0 then
        select candidates || array_agg(candidate.c0), names || array_agg(candidate.c1), sizes || array_agg(candidate.c2) into candidates, names, sizes from (select job.ctid as c0, (job.data ->> 'handler') as c1, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c2 from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority > 0 and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.start_after limit wanted - coalesce(cardinality(candidates), 0)
        for update skip locked
      ) candidate;
      end if;
      if wanted - coalesce(cardinality(candidates), 0) > 0 then
        select candidates || array_agg(candidate.c0), names || array_agg(candidate.c1), sizes || array_agg(candidate.c2) into candidates, names, sizes from (select job.ctid as c0, (job.data ->> 'handler') as c1, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c2 from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority > 0 and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.created_on limit wanted - coalesce(cardinality(candidates), 0)
        for update skip locked
      ) candidate;
      end if;
      for n in 1 .. 10 loop
        exit when wanted - coalesce(cardinality(candidates), 0) <= 0;
        if back[n] <= "pgboss".job_now() then
          select candidates || array_agg(candidate.c0), names || array_agg(candidate.c1), sizes || array_agg(candidate.c2) into candidates, names, sizes from (select job.ctid as c0, (job.data ->> 'handler') as c1, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c2 from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = 1 - n and job.start_after >= back[n] and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.start_after limit wanted - coalesce(cardinality(candidates), 0)
        for update skip locked
      ) candidate;
        end if;
        if fresh[n] is not null and wanted - coalesce(cardinality(candidates), 0) > 0 then
          select candidates || array_agg(candidate.c0), names || array_agg(candidate.c1), sizes || array_agg(candidate.c2) into candidates, names, sizes from (select job.ctid as c0, (job.data ->> 'handler') as c1, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c2 from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = 1 - n and job.created_on >= fresh[n] and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.created_on limit wanted - coalesce(cardinality(candidates), 0)
        for update skip locked
      ) candidate;
        end if;
      end loop;
      if wanted - coalesce(cardinality(candidates), 0) > 0 then
        select candidates || array_agg(candidate.c0), names || array_agg(candidate.c1), sizes || array_agg(candidate.c2) into candidates, names, sizes from (select job.ctid as c0, (job.data ->> 'handler') as c1, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c2 from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority <= -10 and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.start_after limit wanted - coalesce(cardinality(candidates), 0)
        for update skip locked
      ) candidate;
      end if;
      if wanted - coalesce(cardinality(candidates), 0) > 0 then
        select candidates || array_agg(candidate.c0), names || array_agg(candidate.c1), sizes || array_agg(candidate.c2) into candidates, names, sizes from (select job.ctid as c0, (job.data ->> 'handler') as c1, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c2 from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority <= -10 and job.start_after <= "pgboss".job_now() 
        order by job.name, job.priority desc, job.created_on limit wanted - coalesce(cardinality(candidates), 0)
        for update skip locked
      ) candidate;
      end if;
    end if;
    is_slow := is_slow or clock_timestamp() - look_began > interval '2 ms' + coalesce(cardinality(candidates), 0) * interval '20 us';
    if array_remove(sizes, null) <> '{}' then
      for i in 1 .. cardinality(sizes) loop
        if room <= 0 then
          sizes := sizes[1 : i - 1]; candidates := candidates[1 : i - 1]; names := names[1 : i - 1];
          is_full := true;
          exit;
        end if;
        room := room - coalesce(sizes[i], 0);
      end loop;
    end if;
    chosen := null;
    aside := null;
    for i in 1 .. coalesce(cardinality(candidates), 0) loop
      place := array_position(handlers, names[i]);
      if free[place] = 0 then
        aside := aside || candidates[i];
        if array_position(full_up, handlers[place]) is null then full_up := full_up || handlers[place]; end if;
      else
        chosen := chosen || candidates[i];
        if place is not null then free[place] := free[place] - 1; end if;
      end if;
    end loop;
    if aside is not null then
      update "pgboss".job_common job set blocked = true, group_tier = 'set aside' from unnest(aside) as late (row)
      where job.ctid = late.row;
    end if;
    wrote := wrote or aside is not null;
    looked := case when aside is not null and cardinality(candidates) = wanted then looked + cardinality(candidates) end;
    if chosen is not null then
      return query
        with activated as (
      update "pgboss".job_common job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = (clock_timestamp() + ("pgboss".job_now() - now())),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end,
        retry_limit = job.retry_limit
          + case when job.heartbeat_on is not null and job.output #>> '{-1,begun}' = 'false' then 1 else 0 end
      
      where job.ctid = any(chosen)
      returning job.priority, job.created_on, job.id, job.singleton_key as lane, (job.data ->> 'handler') as handler, (job.data ->> 'replay') as replay, (job.data -> 'awaiting') as awaited,
        (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) as claim, (job.retry_count - (job.retry_limit - 1000000) + 1) + case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end as attempt, coalesce(job.output -> -1 ? 'lost', false) as was_lost
    )
        select activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, event.rest, activated.was_lost, null::text[], null::boolean, null::boolean, null::text from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, case when shadows is not null and activated.handler = any(shadows) then null else case when pg_column_size(event.payload) > 1048576 and octet_length(event.payload::text) > 67108864
          then '' else event.payload::text end end as payload, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at,
        case when event.expires_at is not null and event.expires_at <= (clock_timestamp() + ("pgboss".job_now() - now()))
          then (coalesce(case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end, '{}')::jsonb || '{"is_expired": true}')::text else case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end end as rest
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true order by activated.priority desc, activated.created_on, activated.id;
      wanted := wanted - cardinality(chosen);
      wrote := true;
    end if;
  end loop;

  if passed_over and wanted > 0 and not is_full then
    chosen := null;
    look_began := clock_timestamp();
    for one in select * from "postbus".set_aside_2(of_queue, wanted, handlers, free, false, case when marks is not null then floors end) loop
      if one.row is not null then
        place := array_position(handlers, one.handler);
      if free[place] = 0 then
        aside := aside || one.row;
        if array_position(full_up, handlers[place]) is null then full_up := full_up || handlers[place]; end if;
      else
        chosen := chosen || one.row;
        if place is not null then free[place] := free[place] - 1; end if;
      end if;
      end if;
      if one.held_back then full_up := full_up || one.handler; end if;
      passed_over := coalesce(passed_over, false) or one.passed_over;
    end loop;
    is_slow := is_slow or clock_timestamp() - look_began > interval '2 ms' + coalesce(cardinality(chosen), 0) * interval '20 us';
    if chosen is not null then
      return query
        with activated as (
      update "pgboss".job_common job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = (clock_timestamp() + ("pgboss".job_now() - now())),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end,
        retry_limit = job.retry_limit
          + case when job.heartbeat_on is not null and job.output #>> '{-1,begun}' = 'false' then 1 else 0 end
      
      where job.ctid = any(chosen)
      returning job.priority, job.created_on, job.id, job.singleton_key as lane, (job.data ->> 'handler') as handler, (job.data ->> 'replay') as replay, (job.data -> 'awaiting') as awaited,
        (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) as claim, (job.retry_count - (job.retry_limit - 1000000) + 1) + case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end as attempt, coalesce(job.output -> -1 ? 'lost', false) as was_lost
    )
        select activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, event.rest, activated.was_lost, null::text[], null::boolean, null::boolean, null::text from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, case when shadows is not null and activated.handler = any(shadows) then null else case when pg_column_size(event.payload) > 1048576 and octet_length(event.payload::text) > 67108864
          then '' else event.payload::text end end as payload, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at,
        case when event.expires_at is not null and event.expires_at <= (clock_timestamp() + ("pgboss".job_now() - now()))
          then (coalesce(case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end, '{}')::jsonb || '{"is_expired": true}')::text else case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end end as rest
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true order by activated.priority desc, activated.created_on, activated.id;
      wanted := wanted - cardinality(chosen);
      wrote := true;
    end if;
  end if;
  if marks is not null then
    if settled_before > '-infinity' and first_fresh is not null then
      for n in 1 .. 10 loop
        floors[n] := greatest(floors[n], least(first_fresh[n], settled_before));
        floors[n + 10] := greatest(floors[n + 10], least(first_back[n], settled_before));
      end loop;
    end if;
    if is_own and bound_at is null and (
      wrote or bound_id is null
      or pg_snapshot_xmax(pg_current_snapshot())::text::numeric > bound_id::text::numeric + 100
    ) then
      bound_at := began;
      bound_id := pg_current_xact_id();
    end if;
    marks := jsonb_build_object(
      'life', life, 'seenAt', began, 'floors', floors, 'boundAt', bound_at, 'boundId', bound_id::text);
  end if;
  if paused_handlers is not null then
    full_up := (select array_agg(waiting.handler) from unnest(full_up) as waiting (handler) where waiting.handler <> all(paused_handlers));
  end if;
  if looked >= 200 or is_full or full_up is not null or coming and wanted > 0 or is_slow or marks is not null then
    return query select null::uuid, null::text, null::bigint, null::integer, null::bigint, null::uuid, null::text,
    null::integer, null::text, null::text, null::text, null::text, null::text, null::text, null::timestamptz,
    null::timestamptz, null::text, looked >= 200 or is_full, full_up, coming and wanted > 0, is_slow, marks::text;
  end if;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.claim_lanes_2(of_queue text, wanted integer, limits jsonb, marks jsonb, walk_from text, behind integer, room bigint, shadows text[])
 RETURNS TABLE(id uuid, handler text, claim bigint, attempt integer, seq bigint, event_id uuid, type text, version integer, partition_key text, payload text, correlation_id text, causation_id text, source text, metadata text, occurred_at timestamp with time zone, expires_at timestamp with time zone, rest text, more boolean, held_back text[], coming boolean, slow boolean, marks_now text, walk_on text)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
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
  coming boolean := case when pg_try_advisory_lock(hashtextextended('postbus coming postbus ' || of_queue, 0)) then not pg_advisory_unlock(hashtextextended('postbus coming postbus ' || of_queue, 0)) else true end;
  handlers text[];
  free integer[];
  full_up text[];
  passed_over boolean;
  one record;
  place integer;
  chosen tid[];
  aside tid[];
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
  is_slow boolean := false;
  is_mixed boolean;
  fresh timestamptz[];
  back timestamptz[];
  sizes bigint[];
  is_full boolean := false;
  has_pauses boolean;
  is_queue_paused boolean := false;
  paused_handlers text[];
  probed_handlers text[];
  has_paused_lanes boolean := false;
  halted text[];
  held_pauses text[];
  put_off tid[];
begin
  perform pg_advisory_xact_lock(hashtextextended('postbus claim pgboss ' || of_queue, 0));
  began := (clock_timestamp() + ("pgboss".job_now() - now()));
  floors := array_fill('-infinity'::timestamptz, array[20]);
  if marks is not null then
    select one.id into life from "postbus".server_life one where one.only_one;
    if not found then
      insert into "postbus".server_life default values on conflict do nothing;
      select one.id into life from "postbus".server_life one where one.only_one;
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
  end if;
  perform from "postbus".pause limit 1;
  has_pauses := found;
  if has_pauses then
    select coalesce(bool_or(paused.kind = 'queue'), false), array_agg(paused.name) filter (where paused.kind = 'handler'),
      array_agg(paused.name) filter (where paused.kind = 'handler' and not paused.holds), coalesce(bool_or(paused.kind = 'lane'), false)
    into is_queue_paused, paused_handlers, probed_handlers, has_paused_lanes
    from (
      (select one.kind, one.name, one.until > clock_timestamp() as holds from "postbus".pause one where one.kind = 'handler')
      union all
      (select one.kind, one.name, true from "postbus".pause one
      where one.kind = 'queue' and one.name = regexp_replace(of_queue, '_partitioned$', '') and one.until > clock_timestamp())
      union all
      (select one.kind, one.name, true from "postbus".pause one where one.kind = 'lane' limit 1)
    ) paused;
  end if;
  if limits is not null then
    if jsonb_path_exists(limits, '$[*].cluster ? (@ != null)') then
      perform pg_advisory_xact_lock(hashtextextended('postbus limits pgboss ' || regexp_replace(of_queue, '_partitioned$', ''), 0));
    end if;
    select array_agg(limited.handler), array_agg(greatest(0, least(limited.free, limited.cluster - active.count, wanted)))
    into handlers, free
    from jsonb_to_recordset(limits) as limited (handler text, free integer, cluster integer)
    left join lateral (
      select count(*)::integer as count from (
        select from "pgboss".job_common job where job.state = 'active' and job.retry_limit >= 1000000 and (job.data ->> 'handler') = limited.handler and limited.cluster is not null
        order by job.heartbeat_on limit limited.cluster
      ) of_handler
    ) active on limited.cluster is not null;
  end if;
  if is_queue_paused then return; end if;
  if paused_handlers is not null then
    handlers := paused_handlers || handlers;
    free := array_fill(0, array[cardinality(paused_handlers)]) || free;
  end if;
  if probed_handlers is not null then
    perform pg_advisory_xact_lock(hashtextextended('postbus limits pgboss ' || regexp_replace(of_queue, '_partitioned$', ''), 0));
    select array_agg(probed.name) || handlers, array_agg(greatest(0, 1 - active.count)) || free into handlers, free
    from unnest(probed_handlers) as probed (name)
    cross join lateral (
      select count(*)::integer as count from (
        select from "pgboss".job_common job where job.state = 'active' and job.retry_limit >= 1000000 and (job.data ->> 'handler') = probed.name order by job.heartbeat_on limit 1
      ) one
    ) active;
  end if;
  perform from "pgboss".job_common job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' and job.name = of_queue order by job.name, (job.data ->> 'handler') limit 1;
  source := case when found then 'set aside' else 'front' end;
  if wanted > 0 then
    is_mixed := marks is not null or exists (
    select from "pgboss".job_common job where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue
    order by job.name, job.priority desc, job.start_after limit 1
  );
  end if;

  while source is not null and wanted > 0 and not is_full loop
    if source = 'front' then
      -- A claim that had to walk found one busy lane's backlog at the front. That takes its turn a little at a time.
      look := case when walk_from <> '' and looked = 0 then 10 else greatest(wanted, 10) end;
      candidates := null; ids := null; lanes := null; sizes := null;
    look_began := clock_timestamp();
    if not is_mixed then
      select candidates || array_agg(candidate.c0), ids || array_agg(candidate.c1), lanes || array_agg(candidate.c2), sizes || array_agg(candidate.c3) into candidates, ids, lanes, sizes from (select job.ctid as c0, job.id as c1, job.singleton_key as c2, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c3 from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.start_after <= "pgboss".job_now() and job.singleton_key is not null
        order by job.name, job.priority desc, job.created_on limit look
        for update skip locked
      ) candidate;
    else
      select array_agg(one_fresh.at), array_agg(one_back.at) into fresh, back
      from unnest(floors[1:10], floors[11:20]) with ordinality as level (fresh, back, n)
      left join lateral (
        select job.created_on as at from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = (1 - level.n)::integer and job.created_on >= level.fresh and job.singleton_key is not null
        order by job.name, job.priority desc, job.created_on limit 1
      ) one_fresh on true
      left join lateral (
        select job.start_after as at from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = (1 - level.n)::integer and job.start_after >= level.back and job.singleton_key is not null
        order by job.name, job.priority desc, job.start_after limit 1
      ) one_back on true;
      if first_fresh is null then
        first_fresh := fresh;
        first_back := back;
      end if;
      if look - coalesce(cardinality(candidates), 0) > 0 then
        select candidates || array_agg(candidate.c0), ids || array_agg(candidate.c1), lanes || array_agg(candidate.c2), sizes || array_agg(candidate.c3) into candidates, ids, lanes, sizes from (select job.ctid as c0, job.id as c1, job.singleton_key as c2, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c3 from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority > 0 and job.start_after <= "pgboss".job_now() and job.singleton_key is not null
        order by job.name, job.priority desc, job.start_after limit look - coalesce(cardinality(candidates), 0)
        for update skip locked
      ) candidate;
      end if;
      if look - coalesce(cardinality(candidates), 0) > 0 then
        select candidates || array_agg(candidate.c0), ids || array_agg(candidate.c1), lanes || array_agg(candidate.c2), sizes || array_agg(candidate.c3) into candidates, ids, lanes, sizes from (select job.ctid as c0, job.id as c1, job.singleton_key as c2, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c3 from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority > 0 and job.start_after <= "pgboss".job_now() and job.singleton_key is not null
        order by job.name, job.priority desc, job.created_on limit look - coalesce(cardinality(candidates), 0)
        for update skip locked
      ) candidate;
      end if;
      for n in 1 .. 10 loop
        exit when look - coalesce(cardinality(candidates), 0) <= 0;
        if back[n] <= "pgboss".job_now() then
          select candidates || array_agg(candidate.c0), ids || array_agg(candidate.c1), lanes || array_agg(candidate.c2), sizes || array_agg(candidate.c3) into candidates, ids, lanes, sizes from (select job.ctid as c0, job.id as c1, job.singleton_key as c2, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c3 from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = 1 - n and job.start_after >= back[n] and job.start_after <= "pgboss".job_now() and job.singleton_key is not null
        order by job.name, job.priority desc, job.start_after limit look - coalesce(cardinality(candidates), 0)
        for update skip locked
      ) candidate;
        end if;
        if fresh[n] is not null and look - coalesce(cardinality(candidates), 0) > 0 then
          select candidates || array_agg(candidate.c0), ids || array_agg(candidate.c1), lanes || array_agg(candidate.c2), sizes || array_agg(candidate.c3) into candidates, ids, lanes, sizes from (select job.ctid as c0, job.id as c1, job.singleton_key as c2, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c3 from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = 1 - n and job.created_on >= fresh[n] and job.start_after <= "pgboss".job_now() and job.singleton_key is not null
        order by job.name, job.priority desc, job.created_on limit look - coalesce(cardinality(candidates), 0)
        for update skip locked
      ) candidate;
        end if;
      end loop;
      if look - coalesce(cardinality(candidates), 0) > 0 then
        select candidates || array_agg(candidate.c0), ids || array_agg(candidate.c1), lanes || array_agg(candidate.c2), sizes || array_agg(candidate.c3) into candidates, ids, lanes, sizes from (select job.ctid as c0, job.id as c1, job.singleton_key as c2, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c3 from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority <= -10 and job.start_after <= "pgboss".job_now() and job.singleton_key is not null
        order by job.name, job.priority desc, job.start_after limit look - coalesce(cardinality(candidates), 0)
        for update skip locked
      ) candidate;
      end if;
      if look - coalesce(cardinality(candidates), 0) > 0 then
        select candidates || array_agg(candidate.c0), ids || array_agg(candidate.c1), lanes || array_agg(candidate.c2), sizes || array_agg(candidate.c3) into candidates, ids, lanes, sizes from (select job.ctid as c0, job.id as c1, job.singleton_key as c2, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as c3 from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority <= -10 and job.start_after <= "pgboss".job_now() and job.singleton_key is not null
        order by job.name, job.priority desc, job.created_on limit look - coalesce(cardinality(candidates), 0)
        for update skip locked
      ) candidate;
      end if;
    end if;
      is_slow := is_slow or clock_timestamp() - look_began > interval '2 ms' + coalesce(cardinality(candidates), 0) * interval '20 us';
      looked := looked + coalesce(cardinality(candidates), 0);
      is_long := coalesce(cardinality(candidates) = look, false);
    else
      look_began := clock_timestamp();
      select array_agg(share.row) filter (where share.row is not null), array_agg(share.id) filter (where share.row is not null),
        array_agg(share.lane) filter (where share.row is not null), null, array_agg(share.handler) filter (where share.held_back),
        source = 'set aside' and bool_or(share.passed_over)
      into candidates, ids, lanes, sizes, full_up, passed_over
      from "postbus".set_aside_2(of_queue, wanted, handlers, free, source = 'set aside', case when marks is not null then floors end) share;
      is_slow := is_slow or clock_timestamp() - look_began > interval '2 ms' + coalesce(cardinality(candidates), 0) * interval '20 us';
    end if;

    chosen := null;
    aside := null;
    put_off := null;
    if has_paused_lanes and candidates is not null then
      halted := array(select one.name from "postbus".pause one where one.kind = 'lane' and one.name = any(lanes) and one.until > clock_timestamp());
      if halted <> '{}' then
        select array_agg(held.name) into held_pauses from (
          select one.name from "postbus".pause one where one.kind = 'lane' and one.name = any(halted) for share skip locked
        ) held;
        put_off := array(select candidate.row from unnest(candidates, ids, lanes, sizes) as candidate (row, id, lane, size) where candidate.lane = any(held_pauses));
        update "pgboss".job_common job set blocked = true, group_tier = null from unnest(put_off) as late (row) where job.ctid = late.row;
        select array_agg(candidate.row), array_agg(candidate.id), array_agg(candidate.lane), array_agg(candidate.size)
        into candidates, ids, lanes, sizes from unnest(candidates, ids, lanes, sizes) as candidate (row, id, lane, size) where candidate.lane <> all(halted);
        wrote := true;
      end if;
    end if;
    if candidates is not null or put_off <> '{}' then
      wrote := true;
      with judged as materialized (
        select candidate.row, candidate.lane, candidate.size, coalesce(older.id, running.id) as blocker
        from unnest(candidates, ids, lanes, sizes) as candidate (row, id, lane, size)
        left join lateral (select job.id from "pgboss".job_common job
      where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key = candidate.lane and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000
      order by job.id limit 1
        ) older on older.id < candidate.id
        left join lateral (select job.id from "pgboss".job_common job
      where job.name = of_queue and job.state = 'active' and job.policy = 'singleton'
        and coalesce(job.singleton_key, '') >= candidate.lane and coalesce(job.singleton_key, '') <= candidate.lane
      order by job.name, coalesce(job.singleton_key, '') limit 1
        ) running on true
      ), waiting as materialized (
        select judged.row from judged cross join lateral (
          select 1 from "pgboss".job_common job where job.name = of_queue and job.id = judged.blocker
            and job.state::text in ('created', 'retry', 'active') for share skip locked
        ) held
      ), parked as (
        update "pgboss".job_common job set blocked = true, group_tier = null from waiting where job.ctid = waiting.row returning 1
      )
      select array_agg(judged.row) filter (where judged.blocker is null),
        array_agg(judged.lane) filter (where judged.blocker is null),
        array_agg(judged.size) filter (where judged.blocker is null), (select count(*) from parked)
      into heads, lanes, sizes, parked from judged;
      if array_remove(sizes, null) <> '{}' then
      for i in 1 .. cardinality(sizes) loop
        if room <= 0 then
          sizes := sizes[1 : i - 1]; heads := heads[1 : i - 1]; lanes := lanes[1 : i - 1];
          is_full := true;
          exit;
        end if;
        room := room - coalesce(sizes[i], 0);
      end loop;
    end if;
      if handlers is null then
        chosen := heads[1:wanted];
      else
        for i in 1 .. coalesce(cardinality(heads), 0) loop
          exit when cardinality(chosen) = wanted;
          place := array_position(handlers, split_part(lanes[i], ':', 1));
      if free[place] = 0 then
        aside := aside || heads[i];
        if array_position(full_up, handlers[place]) is null then full_up := full_up || handlers[place]; end if;
      else
        chosen := chosen || heads[i];
        if place is not null then free[place] := free[place] - 1; end if;
      end if;
        end loop;
      end if;
      if aside is not null then
      update "pgboss".job_common job set blocked = true, group_tier = 'set aside' from unnest(aside) as late (row)
      where job.ctid = late.row;
    end if;
      -- Candidates that could be neither claimed nor put away are not looked at again at once: someone holds what they wait for.
      if source = 'front' then
        more := cardinality(heads) > coalesce(cardinality(chosen), 0) + coalesce(cardinality(aside), 0)
          or is_long and (heads is not null or parked > 0 or put_off <> '{}');
      end if;
      if chosen <> '{}' then
      return query
        with head as (
      update "pgboss".job_common job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = (clock_timestamp() + ("pgboss".job_now() - now())),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end,
        retry_limit = job.retry_limit
          + case when job.heartbeat_on is not null and job.output #>> '{-1,begun}' = 'false' then 1 else 0 end
      
      where job.ctid = any(chosen)
      returning job.priority, job.created_on, job.id, job.singleton_key as lane, (job.data ->> 'handler') as handler, (job.data ->> 'replay') as replay, (job.data -> 'awaiting') as awaited,
        (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) as claim, (job.retry_count - (job.retry_limit - 1000000) + 1) + case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end as attempt, coalesce(job.output -> -1 ? 'lost', false) as was_lost
    ), activated as (
      select head.priority, head.created_on, head.was_lost, head.id as head, head.id, head.handler, head.claim, head.attempt, head.replay, head.awaited from head
      union all
      select head.priority, head.created_on, head.was_lost, head.id, follower.id, head.handler, null, 1, follower.replay, null from head
      cross join lateral (
        select follower.id, follower.replay from (
        select job.id, (job.data ->> 'replay') as replay, bool_and(job.state = 'created' and job.started_on is null and job.start_after <= (clock_timestamp() + ("pgboss".job_now() - now()))
    and job.group_tier is distinct from 'set aside' and not job.data ? 'bytes') over (order by job.id) as is_ready from (
          select * from "pgboss".job_common job
          where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key = head.lane and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000 and job.id > head.id
          order by job.id limit behind
        ) job
      ) follower where follower.is_ready
      ) follower
      where behind > 0 and head.claim < 60000000
    )
        select activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, event.rest, activated.was_lost, null::text[], null::boolean, null::boolean, null::text, null::text from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, case when shadows is not null and activated.handler = any(shadows) then null else case when pg_column_size(event.payload) > 1048576 and octet_length(event.payload::text) > 67108864
          then '' else event.payload::text end end as payload, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at,
        case when event.expires_at is not null and event.expires_at <= (clock_timestamp() + ("pgboss".job_now() - now()))
          then (coalesce(case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end, '{}')::jsonb || '{"is_expired": true}')::text else case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end end as rest
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true
        order by activated.priority desc, activated.created_on, activated.head, activated.id;
      wanted := wanted - cardinality(chosen);
      wrote := true;
    end if;
    end if;
    source := case
      when source = 'set aside' then 'front'
      when source = 'front' and is_long and looked < 200 and (aside is not null or put_off <> '{}' or looked < wanted and chosen is not null)
        then 'front'
      when source = 'front' and passed_over then 'passed over' end;
  end loop;
  more := coalesce(more or wanted = 0 and source = 'front', false);

  for walks in 1 .. case when is_long then 4 else 0 end loop
    exit when wanted = 0 or is_full;
    look := wanted + 10;
    select array_agg(head.row) filter (where head.row is not null),
      array_agg(walked.lane) filter (where head.row is not null),
      array_agg(head.size) filter (where head.row is not null), max(walked.lane), count(*)
    into heads, lanes, sizes, walk_from, visited
    from "postbus".walk(of_queue, walk_from, look) walked
    left join lateral (
      select job.ctid as row, case when shadows is not null and (job.data ->> 'handler') = any(shadows) then null else (job.data ->> 'bytes')::bigint end as size from "pgboss".job_common job where job.name = of_queue and job.id = walked.id and job.state::text in ('created', 'retry')
        and job.start_after <= "pgboss".job_now()
      for update skip locked
    ) head on walked.idle;
    chosen := null;
    if has_paused_lanes then
      select array_agg(head.row), array_agg(head.lane), array_agg(head.size) into heads, lanes, sizes
      from unnest(heads, lanes, sizes) as head (row, lane, size) where not exists (select from "postbus".pause one where one.kind = 'lane' and one.name = head.lane and one.until > clock_timestamp());
    end if;
    if array_remove(sizes, null) <> '{}' then
      for i in 1 .. cardinality(sizes) loop
        if room <= 0 then
          sizes := sizes[1 : i - 1]; heads := heads[1 : i - 1]; lanes := lanes[1 : i - 1];
          is_full := true;
          exit;
        end if;
        room := room - coalesce(sizes[i], 0);
      end loop;
    end if;
    if handlers is null then
        chosen := heads[1:wanted];
      else
        for i in 1 .. coalesce(cardinality(heads), 0) loop
          exit when cardinality(chosen) = wanted;
          place := array_position(handlers, split_part(lanes[i], ':', 1));
      if free[place] = 0 then
        aside := aside || heads[i];
        if array_position(full_up, handlers[place]) is null then full_up := full_up || handlers[place]; end if;
      else
        chosen := chosen || heads[i];
        if place is not null then free[place] := free[place] - 1; end if;
      end if;
        end loop;
      end if;
    if chosen <> '{}' then
      return query
        with head as (
      update "pgboss".job_common job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = (clock_timestamp() + ("pgboss".job_now() - now())),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end,
        retry_limit = job.retry_limit
          + case when job.heartbeat_on is not null and job.output #>> '{-1,begun}' = 'false' then 1 else 0 end
      
      where job.ctid = any(chosen)
      returning job.priority, job.created_on, job.id, job.singleton_key as lane, (job.data ->> 'handler') as handler, (job.data ->> 'replay') as replay, (job.data -> 'awaiting') as awaited,
        (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) as claim, (job.retry_count - (job.retry_limit - 1000000) + 1) + case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end as attempt, coalesce(job.output -> -1 ? 'lost', false) as was_lost
    ), activated as (
      select head.priority, head.created_on, head.was_lost, head.id as head, head.id, head.handler, head.claim, head.attempt, head.replay, head.awaited from head
      union all
      select head.priority, head.created_on, head.was_lost, head.id, follower.id, head.handler, null, 1, follower.replay, null from head
      cross join lateral (
        select follower.id, follower.replay from (
        select job.id, (job.data ->> 'replay') as replay, bool_and(job.state = 'created' and job.started_on is null and job.start_after <= (clock_timestamp() + ("pgboss".job_now() - now()))
    and job.group_tier is distinct from 'set aside' and not job.data ? 'bytes') over (order by job.id) as is_ready from (
          select * from "pgboss".job_common job
          where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key = head.lane and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000 and job.id > head.id
          order by job.id limit behind
        ) job
      ) follower where follower.is_ready
      ) follower
      where behind > 0 and head.claim < 60000000
    )
        select activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, event.rest, activated.was_lost, null::text[], null::boolean, null::boolean, null::text, null::text from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, case when shadows is not null and activated.handler = any(shadows) then null else case when pg_column_size(event.payload) > 1048576 and octet_length(event.payload::text) > 67108864
          then '' else event.payload::text end end as payload, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at,
        case when event.expires_at is not null and event.expires_at <= (clock_timestamp() + ("pgboss".job_now() - now()))
          then (coalesce(case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end, '{}')::jsonb || '{"is_expired": true}')::text else case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end end as rest
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true
        order by activated.priority desc, activated.created_on, activated.head, activated.id;
      wanted := wanted - cardinality(chosen);
      wrote := true;
    end if;
    if visited < look then
      walk_from := '';
      exit;
    end if;
  end loop;
  -- Unless it has come to the last lane, and had a slot for each that was idle.
  more := more or is_full or is_long and (wanted = 0 or walk_from <> '');

  if marks is not null then
    if settled_before > '-infinity' and first_fresh is not null then
      for n in 1 .. 10 loop
        floors[n] := greatest(floors[n], least(first_fresh[n], settled_before));
        floors[n + 10] := greatest(floors[n + 10], least(first_back[n], settled_before));
      end loop;
    end if;
    if is_own and bound_at is null and (
      wrote or bound_id is null
      or pg_snapshot_xmax(pg_current_snapshot())::text::numeric > bound_id::text::numeric + 100
    ) then
      bound_at := began;
      bound_id := pg_current_xact_id();
    end if;
    marks := jsonb_build_object(
      'life', life, 'seenAt', began, 'floors', floors, 'boundAt', bound_at, 'boundId', bound_id::text);
  end if;
  if paused_handlers is not null then
    full_up := (select array_agg(waiting.handler) from unnest(full_up) as waiting (handler) where waiting.handler <> all(paused_handlers));
  end if;
  return query select null::uuid, null::text, null::bigint, null::integer, null::bigint, null::uuid, null::text,
    null::integer, null::text, null::text, null::text, null::text, null::text, null::text, null::timestamptz,
    null::timestamptz, null::text, more, full_up, coming, is_slow, marks::text, walk_from;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.complete(of_id uuid, how text, because text, told_by text)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  held record;
  ids uuid[] := array[of_id];
  verdict jsonb := jsonb_strip_nulls(jsonb_build_object('as', how, 'reason', because));
  written integer;
  found_state text;
  turn smallint;
begin
  select one.* into held from "postbus".queue own cross join lateral (
    select job.ctid as row, job.name, job.singleton_key as lane, job.state::text as job_state, job.data,
    (job.state = 'retry' and coalesce(job.data #>> '{awaiting,as}', '') = 'open') as is_awaiting, case
      when job.state = 'active' then 'running'
      when job.state = 'failed' then 'dead'
      when job.state = 'cancelled' then 'cancelled'
      when job.state = 'completed' then 'done'
      when job.start_after = 'infinity' then 'blocked'
      when (job.state = 'retry' and coalesce(job.data #>> '{awaiting,as}', '') = 'open') then 'awaiting'
      when job.blocked and job.group_tier is distinct from 'set aside' then 'parked'
      when job.start_after in (timestamptz '9999-12-31 00:00:00+00', timestamptz '9999-12-30 00:00:00+00') then 'waiting'
      when job.state = 'retry' and job.start_after > "pgboss".job_now() and jsonb_typeof(job.output) = 'array' then 'retrying'
      when job.state = 'retry' and job.start_after > "pgboss".job_now() and job.started_on is not null then 'snoozed'
      else 'waiting' end as state from "pgboss".job_common job where job.name = own.name and job.id = of_id for update
  ) one;
  if not found then
    select coalesce(done.outcome, 'done') into found_state from "postbus".history done join "postbus".handler handler on handler.number = done.handler
    where done.seq = "postbus".seq_of_delivery(of_id) and encode(substr(sha256(convert_to(handler.name, 'UTF8')), 1, 8), 'hex') = encode(substr(uuid_send(of_id), 9), 'hex') order by done.ended_at desc limit 1;
    if found then return 'not ' || found_state; end if;
    if exists (
      select from "postbus".event event cross join "postbus".log_handler reading
      where event.seq = "postbus".seq_of_delivery(of_id) and encode(substr(sha256(convert_to(reading.handler, 'UTF8')), 1, 8), 'hex') = encode(substr(uuid_send(of_id), 9), 'hex') and (reading.mode <> 'job' or event.seq <@ reading.eras)
    ) then return 'not waiting'; end if;
    return 'unknown';
  end if;

  if held.job_state = 'active' and not held.data ? 'told' then
    update "pgboss".job_common job set data = job.data || jsonb_build_object('told', verdict) where job.ctid = held.row;
    found_state := 'running';
  elsif not held.is_awaiting then
    return 'not ' || held.state;
  elsif how = 'failed' then
    update "pgboss".job_common job set data = job.data || jsonb_build_object('awaiting', verdict), start_after = (clock_timestamp() + ("pgboss".job_now() - now())) where job.ctid = held.row;
    found_state := 'waiting';
  else
    select one.number into turn from "postbus".history_turn one where one.only_one;
    with gone as (
      delete from "pgboss".job_common job where job.ctid = held.row
      returning job.id, job.started_on, (job.data ->> 'handler') as handler, (job.retry_count - (job.retry_limit - 1000000) + 1) + 1 as attempts, job.output
    ), kept as (
      insert into "postbus".history (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
      select "postbus".seq_of_delivery(gone.id), (clock_timestamp() + ("pgboss".job_now() - now())),
        least(extract(epoch from (clock_timestamp() + ("pgboss".job_now() - now())) - gone.started_on) * 1000, 2147483647)::integer,
        turn, coalesce((select one.number from "postbus".handler one where one.name = gone.handler), "postbus".handler_number(gone.handler)),
        nullif((gone.attempts - case when nullif(how, 'done') in ('expired', 'cancelled', 'superseded') then 1 else 0 end), 1),
        nullif(how, 'done'),
        jsonb_strip_nulls(coalesce(case when gone.output is not null then jsonb_build_object('errors', case when jsonb_typeof(gone.output) = 'array' then gone.output else '[]' end) end, '{}') || jsonb_build_object('reason', because))
      from gone
    )
    select count(*) into written from gone;
    if exists (select from "postbus".watch) then
    perform pg_notify('postbus_postbus_end', case when count(*) > 300 then '*' else string_agg(ended.seq::text, ' ') end)
    from (select distinct "postbus".seq_of_delivery(one.id) as seq from unnest(ids) as one (id)) ended
    where exists (select from "postbus".watch watch where watch.seq = ended.seq)
    having count(*) > 0;
  end if;
    if exists (select from "postbus".finish) then
    perform "postbus".finish(array(select distinct "postbus".seq_of_delivery(one.id) from unnest(ids) as one (id)));
  end if;
    if held.lane is not null then
      perform "postbus".promote(held.name, array[held.lane]);
    end if;
    found_state := how;
  end if;
  perform pg_notify('postbus_postbus', held.name);
  if told_by is not null then
    insert into "postbus".act (act, filter, by, reason, count)
    values ('deliveries.' || case how when 'done' then 'complete' when 'skipped' then 'skip' else 'fail' end,
      jsonb_build_object('delivery', of_id), told_by, because, 1);
  end if;
  return 'told ' || found_state;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.complete_members(members jsonb, me uuid)
 RETURNS SETOF text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  fresh uuid[];
begin
  perform set_config('postbus.published_by', 'now', true);
  with inserted as (
    insert into "postbus".completion (delivery, skipped)
    select member.delivery, member.skipped from jsonb_to_recordset(members) as member (delivery uuid, skipped text)
    on conflict do nothing returning delivery
  ) select array_agg(inserted.delivery) into fresh from inserted;
  perform set_config('postbus.published_by', extract(epoch from statement_timestamp())::text, true);
  return query select 'completed ' || member.delivery from jsonb_to_recordset(members) as member (delivery uuid)
    where fresh is null or member.delivery <> all(fresh);
  if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    return next 'ask';
  else
    return query select 'lost ' || member.delivery
    from jsonb_to_recordset(members) as member (delivery uuid, queue text, claimed uuid, claim bigint, handler text, shard integer, fence bigint)
    where not case when member.queue is null
      then exists (
        select from "postbus".log_cursor one
        where one.handler = member.handler and one.shard = member.shard and one.owner = me and one.fence = member.fence
      )
      else exists (
        select 1 from "pgboss".job_common job where job.name = member.queue and job.id = member.claimed
          and (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) = member.claim and (job.state::text = 'active' or job.state::text = 'retry' and job.heartbeat_on is not null)
      ) end;
  end if;
  return next 'told';
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.completed_log_acknowledge(me uuid, handlers text[], shards integer[], fences bigint[], from_seqs bigint[], to_seqs bigint[], hashes text[], queues text[], priorities integer[], jobs jsonb, ended jsonb, passed jsonb, completed uuid[], places integer[])
 RETURNS TABLE(acknowledged integer)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  known integer[];
begin
  known := array(select * from "postbus".log_acknowledge(me, handlers, shards, fences, from_seqs, to_seqs,
  hashes, queues, priorities, jobs, ended, passed));
  delete from "postbus".completion one using unnest(completed, places) as gone (delivery, place)
  where one.delivery = gone.delivery and gone.place = any(known)
    and not exists (select 1 from "pgboss".job_common job where job.name = queues[gone.place] and job.id = one.delivery) and not exists (select 1 from "pgboss".job_common job where job.name = queues[gone.place] || '_partitioned' and job.id = one.delivery);
  return query select unnest(known);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.completed_settle_2(of_queue text, done uuid[], claims bigint[], others jsonb, completed uuid[])
 RETURNS TABLE(settled uuid)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query select * from "postbus".settle_2(of_queue, done, claims, others);
  delete from "postbus".completion one where one.delivery = any(completed) and not exists (
    select from "pgboss".job_common job where job.name = of_queue and job.id = one.delivery
  );
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.completed_settle_lanes_2(of_queue text, done uuid[], runs jsonb, others jsonb, ends_run uuid[], behind integer, shadows text[], completed uuid[])
 RETURNS TABLE(settled uuid, more boolean, cut boolean, id uuid, handler text, claim bigint, attempt integer, seq bigint, event_id uuid, type text, version integer, partition_key text, payload text, correlation_id text, causation_id text, source text, metadata text, occurred_at timestamp with time zone, expires_at timestamp with time zone, rest text)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query select * from "postbus".settle_lanes_2(of_queue, done, runs, others, ends_run, behind, shadows);
  delete from "postbus".completion one where one.delivery = any(completed) and not exists (
    select from "pgboss".job_common job where job.name = of_queue and job.id = one.delivery
  );
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.deliveries()
 RETURNS TABLE(seq bigint, event_id uuid, event_type text, partition_key text, handler text, state text, attempts integer, due_at timestamp with time zone, started_at timestamp with time zone, ended_at timestamp with time zone, errors jsonb)
 LANGUAGE sql
 STABLE
AS $function$
  select "postbus".seq_of_delivery(job.id), (job.data operator(pg_catalog.->>) 'event')::pg_catalog.uuid, (job.data operator(pg_catalog.->>) 'type'),
    case when (pg_catalog.split_part(job.singleton_key, ':', 1) operator(pg_catalog.=) (job.data operator(pg_catalog.->>) 'handler')) then pg_catalog.substr(job.singleton_key, (pg_catalog.strpos(job.singleton_key, ':') operator(pg_catalog.+) 1)) end,
    (job.data operator(pg_catalog.->>) 'handler'),
    case
      when (job.state operator(pg_catalog.=) 'active') then 'running'
      when (job.state operator(pg_catalog.=) 'failed') then 'dead'
      when (job.state operator(pg_catalog.=) 'cancelled') then 'cancelled'
      when (job.state operator(pg_catalog.=) 'completed') then 'done'
      when (job.start_after operator(pg_catalog.=) 'infinity') then 'blocked'
      when (job.state operator(pg_catalog.=) 'retry') and coalesce(((job.data operator(pg_catalog.#>>) '{awaiting,as}') operator(pg_catalog.=) 'open'), false) then 'awaiting'
      when job.blocked and not coalesce((job.group_tier operator(pg_catalog.=) 'set aside'), false) then 'parked'
      when (job.state operator(pg_catalog.=) 'retry') and (job.start_after operator(pg_catalog.>) "pgboss".job_now()) and job.started_on is not null then 'retrying'
      else 'waiting' end,
    case when job.started_on is null then 0
      else ((job.retry_count operator(pg_catalog.-) (job.retry_limit operator(pg_catalog.-) 1000000)) operator(pg_catalog.+) 1) end,
    case when not (job.start_after operator(pg_catalog.=) 'infinity') then job.start_after end, job.started_on, job.completed_on,
    case when (pg_catalog.jsonb_typeof(job.output) operator(pg_catalog.=) 'array') then job.output else '[]' end
  from "pgboss".job_common job
  where (job.data operator(pg_catalog.?) 'handler') and (job.data operator(pg_catalog.?) 'event')
  union all
  select done.seq, event.id, event.type, event.partition_key, handler.name, coalesce(done.outcome, 'done'),
    coalesce(done.attempts, 1), null, (done.ended_at operator(pg_catalog.-) (done.took_ms operator(pg_catalog.*) interval '1 ms')), done.ended_at,
    coalesce((done.detail operator(pg_catalog.->) 'errors'), '[]')
  from "postbus".history done
  join "postbus".handler handler on (handler.number operator(pg_catalog.=) done.handler)
  join "postbus".event event on (event.seq operator(pg_catalog.=) done.seq)
$function$
;

CREATE OR REPLACE FUNCTION postbus.due(queues text[])
 RETURNS SETOF text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query select asked.queue from unnest(queues) as asked (queue)
    where exists (select from "pgboss".job_common job where job.name = asked.queue and job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.start_after <= "pgboss".job_now() order by job.name, job.priority desc, job.created_on limit 1)
      or exists (select from "pgboss".job_common job where job.name = asked.queue and job.blocked and job.group_tier = 'set aside' and job.state < 'active' order by job.name, (job.data ->> 'handler') limit 1)
      or exists (select from "pgboss".job_common job where job.name = asked.queue and job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 order by job.name, job.priority desc, job.start_after limit 1) and exists (
        select from generate_series(0, -9, -1) as level (priority) cross join lateral (
          select from "pgboss".job_common job where job.name = asked.queue and job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.priority = level.priority and job.start_after <= "pgboss".job_now()
          order by job.name, job.priority desc, job.start_after limit 1
        ) back
        union all
        (select from "pgboss".job_common job where job.name = asked.queue and job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and (job.priority > 0 or job.priority <= -10) and job.start_after <= "pgboss".job_now()
          order by job.name, job.priority desc, job.start_after limit 1)
      );
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.erase(chosen bigint[])
 RETURNS bigint[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  seqs bigint[];
  queues text[] := array(select own.name from "postbus".queue own);
  over tid[];
  dismissed tid[];
  kept bigint[];
  rows tid[];
begin
  select array_agg(held.seq) into seqs from unnest(chosen) as asked (seq) cross join lateral (
    select event.seq from "postbus".event event where event.seq = asked.seq for update skip locked
  ) held;
  if seqs is null then return '{}'; end if;

  select array_agg(job.row) into over from unnest(queues) as used (queue) cross join unnest(seqs) as asked (seq) cross join lateral (
      select job.ctid as row, job.id from "pgboss".job_common job where job.name = used.queue and job.id >= (lpad(to_hex(asked.seq), 16, '0') || repeat('0', 16))::uuid and job.id <= (lpad(to_hex(asked.seq), 16, '0') || repeat('f', 16))::uuid
      and (job.state::text in ('completed', 'cancelled') or job.state::text = 'failed' and not exists (
        select from "postbus".dead_letter letter where letter.delivery_id = job.id and letter.dismissed_at is null
      ))
      for update skip locked
    ) job;
  select array_agg(letter.row) into dismissed from unnest(seqs) as asked (seq) cross join lateral (
      select letter.ctid as row, letter.delivery_id from "postbus".dead_letter letter where letter.delivery_id >= (lpad(to_hex(asked.seq), 16, '0') || repeat('0', 16))::uuid and letter.delivery_id <= (lpad(to_hex(asked.seq), 16, '0') || repeat('f', 16))::uuid and letter.dismissed_at is not null for update skip locked
    ) letter;

  -- Asked in later statements than they were locked: what is there now, and was not locked, keeps its event.
  kept := array(select distinct "postbus".seq_of_delivery(job.id) from unnest(queues) as used (queue) cross join unnest(seqs) as asked (seq) cross join lateral (
      select job.ctid as row, job.id from "pgboss".job_common job where job.name = used.queue and job.id >= (lpad(to_hex(asked.seq), 16, '0') || repeat('0', 16))::uuid and job.id <= (lpad(to_hex(asked.seq), 16, '0') || repeat('f', 16))::uuid offset 0
    ) job where job.row <> all (coalesce(over, '{}')));
  kept := kept || array(select distinct "postbus".seq_of_delivery(letter.delivery_id) from unnest(seqs) as asked (seq) cross join lateral (
      select letter.ctid as row, letter.delivery_id from "postbus".dead_letter letter where letter.delivery_id >= (lpad(to_hex(asked.seq), 16, '0') || repeat('0', 16))::uuid and letter.delivery_id <= (lpad(to_hex(asked.seq), 16, '0') || repeat('f', 16))::uuid offset 0
    ) letter where letter.row <> all (coalesce(dismissed, '{}')));
  seqs := array(select asked.seq from unnest(seqs) as asked (seq) where asked.seq <> all (kept));

  rows := array(select job.row from unnest(queues) as used (queue) cross join unnest(seqs) as asked (seq) cross join lateral (
      select job.ctid as row, job.id from "pgboss".job_common job where job.name = used.queue and job.id >= (lpad(to_hex(asked.seq), 16, '0') || repeat('0', 16))::uuid and job.id <= (lpad(to_hex(asked.seq), 16, '0') || repeat('f', 16))::uuid offset 0) job);
  delete from "pgboss".job_common job where job.ctid = any(rows);
  rows := array(select letter.row from unnest(seqs) as asked (seq) cross join lateral (
      select letter.ctid as row, letter.delivery_id from "postbus".dead_letter letter where letter.delivery_id >= (lpad(to_hex(asked.seq), 16, '0') || repeat('0', 16))::uuid and letter.delivery_id <= (lpad(to_hex(asked.seq), 16, '0') || repeat('f', 16))::uuid offset 0) letter);
  delete from "postbus".dead_letter letter where letter.ctid = any(rows);
  delete from "postbus".history done where done.seq = any(seqs);
  delete from "postbus".lookup one where one.seq = any(seqs);
  delete from "postbus".watch one where one.seq = any(seqs);
  delete from "postbus".event event where event.seq = any(seqs);
  return seqs;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.finish(ended bigint[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
declare
  followed bigint[];
  rows tid[];
  one text;
begin
  select array_agg(held.seq) into followed from (
    select one_of.seq from "postbus".finish one_of where one_of.seq = any(ended) order by one_of.seq for update
  ) held;
  if followed is null then return 0; end if;

  followed := array(
    select one_of.seq from "postbus".finish one_of where one_of.seq = any(followed) and not exists (
      select from "postbus".queue queue cross join lateral (
        select * from "pgboss".job_common one where one.name = queue.name
          and one.id >= (lpad(to_hex(one_of.seq), 16, '0') || repeat('0', 16))::uuid and one.id <= (lpad(to_hex(one_of.seq), 16, '0') || repeat('f', 16))::uuid offset 0
      ) job where job.state < 'completed' and job.start_after <> 'infinity' and job.id <> one_of.finisher
    ) and not exists (
      select from "postbus".log_cursor cursor where cursor.position < one_of.seq
    )
  );
  if followed = '{}' then return 0; end if;

  select array_agg(job.row) into rows from "postbus".finish one_of cross join lateral (
    select job.ctid as row from "pgboss".job_common job where job.name = one_of.queue and job.id = one_of.finisher
      and job.state::text = 'retry' and job.start_after = timestamptz '9999-12-31 00:00:00+00' offset 0
  ) job where one_of.seq = any(followed);
  update "pgboss".job_common job set start_after = (clock_timestamp() + ("pgboss".job_now() - now())) where job.ctid = any(rows);
  for one in with gone as (
    delete from "postbus".finish one_of where one_of.seq = any(followed) returning one_of.queue
  ) select distinct gone.queue from gone loop
    perform pg_notify('postbus_postbus', one);
  end loop;
  return cardinality(followed);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.finish_later(batch jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  noted integer;
begin
  insert into "postbus".finish (seq, finisher, queue)
  select event.seq, job.id, job.name
  from jsonb_to_recordset(batch -> 'events') as input (id uuid, receivers integer)
  join jsonb_to_recordset(batch -> 'receivers') as receiver (set integer, handler_hash text, queue text, finishes text)
    on receiver.set = input.receivers and receiver.finishes = 'later'
  join "postbus".event event on event.id = input.id
  cross join lateral (
    select job.id, job.name from "pgboss".job_common job
    where job.name = receiver.queue and job.id = (lpad(to_hex(event.seq), 16, '0') || receiver.handler_hash)::uuid
      and job.state::text = 'retry' and job.start_after = timestamptz '9999-12-31 00:00:00+00'
  ) job
  on conflict do nothing;
  get diagnostics noted = row_count;
  return noted;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.finish_sweep(after_seq bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
declare
  seqs bigint[];
  done integer;
begin
  seqs := array(select one_of.seq from "postbus".finish one_of where one_of.seq > after_seq order by one_of.seq limit 1000);
  if seqs = '{}' then return null; end if;
  done := "postbus".finish(seqs);
  return case when cardinality(seqs) = 1000 then seqs[1000] end;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.grant_attempts(of_handler text, wanted integer, every_ms double precision, within_ms double precision)
 RETURNS TABLE(count integer, first_ms double precision, next_ms double precision)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  first timestamptz;
  moment timestamptz;
  every interval := every_ms * interval '1 ms';
  horizon interval := within_ms * interval '1 ms';
begin
  insert into "postbus".pace (handler) values (of_handler) on conflict do nothing;
  select one.next_at into first from "postbus".pace one where one.handler = of_handler for update;
  moment := clock_timestamp();
  first := least(greatest(first, moment), moment + horizon + every);
  count := greatest(0, least(wanted, floor(extract(epoch from moment + horizon - first) * 1000 / every_ms)::bigint + 1))::integer;
  update "postbus".pace one set next_at = first + count * every where one.handler = of_handler;
  first_ms := extract(epoch from first - moment) * 1000;
  next_ms := first_ms + count * every_ms;
  return next;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.handler_number(handler text)
 RETURNS smallint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
declare
  number smallint;
begin
  insert into "postbus".handler (name) values (coalesce(handler, '')) on conflict (name) do nothing;
  select one.number into number from "postbus".handler one where one.name = coalesce(handler, '');
  return number;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.import_events(batch text)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform pg_current_xact_id();
  return query insert into "postbus".event (id, type, version, partition_key, payload, correlation_id, causation_id, caused_by_handler, initialized_at, source, metadata, occurred_at, expires_at, retained_until, redacted, published_at)
  select input.id, input.type, input.version, input.partition_key, input.payload::json,
          coalesce(input.correlation_id, input.id::text), input.causation_id, input.caused_by_handler, input.initialized_at, input.source,
          input.metadata::json, input.occurred_at, input.expires_at, input.retained_until, input.redacted, input.published_at
  from jsonb_to_recordset(batch::jsonb) as input (
    ord integer, id uuid, type text, version integer, partition_key text, payload text, correlation_id text,
    causation_id text, caused_by_handler text, initialized_at timestamptz, source text, metadata text, redacted text,
    occurred_at timestamptz, published_at timestamptz, expires_at timestamptz, retained_until timestamptz
  )
  order by ord
  on conflict (id) do nothing
  returning id;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.is_gated(of_handler text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return not exists (select from "postbus".backfill one where one.handler = of_handler and one.state = 'done');
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.keep(of_queue text, ids uuid[], claims bigint[])
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  ours uuid[];
  kept tid[];
begin
  select array_agg(job.id) into ours
  from unnest(ids, claims) as mine (id, claim)
  cross join lateral (
    select job.id from "pgboss".job_common job where job.name = of_queue and job.id = mine.id and (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) = mine.claim and job.state::text = 'active' offset 0
  ) job;

  select array_agg(job.row) into kept from unnest(ours) as mine (id)
  cross join lateral (
    select job.ctid as row from "pgboss".job_common job where job.name = of_queue and job.id = mine.id and job.state::text = 'active' for no key update skip locked
  ) job;
  update "pgboss".job_common job set heartbeat_on = (clock_timestamp() + ("pgboss".job_now() - now()))
  from unnest(kept) as mine (row) where job.ctid = mine.row;

  return query select unnest(ours);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.log_acknowledge(me uuid, handlers text[], shards integer[], fences bigint[], from_seqs bigint[], to_seqs bigint[], hashes text[], queues text[], priorities integer[], jobs jsonb, ended jsonb, passed jsonb)
 RETURNS TABLE(acknowledged integer)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  rows tid[];
  ours integer[];
  known integer[];
  ends tid[];
  ends_of jsonb;
  lanes text[];
  lane_queues text[];
  one text;
  turn smallint;
begin
  select array_agg(held.row order by moving.place) filter (where held.place = moving.from_seq),
    array_agg(moving.place order by moving.place) filter (where held.place = moving.from_seq),
    array_agg(moving.place order by moving.place)
  into rows, ours, known
  from unnest(handlers, shards, fences, from_seqs, to_seqs) with ordinality as moving (handler, shard, fence, from_seq, to_seq, place)
  cross join lateral (
    select one.ctid as row, one.position as place from "postbus".log_cursor one
    where one.handler = moving.handler and one.shard = moving.shard and one.owner = me and one.fence = moving.fence
      and one.position in (moving.from_seq, moving.to_seq)
    for no key update
  ) held;
  if known is null then return; end if;

  update "postbus".log_cursor one set position = moved.to_seq, moved_at = (clock_timestamp() + ("pgboss".job_now() - now())),
    deaths = case when moved.to_seq > one.position then 0 else one.deaths end
  from unnest(rows, ours) as moved_row (row, place) cross join lateral (select to_seqs[moved_row.place] as to_seq) moved
  where one.ctid = moved_row.row;

  if jobs is not null and ours is not null then
    with written as (
      insert into "pgboss".job_common as job (id, name, state, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
          retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds, started_on)
      select (lpad(to_hex(stored.seq), 16, '0') || receiver.handler_hash)::uuid,
          coalesce(queue.name, "postbus".no_such_queue(receiver.queue)),
          case when (job.is_held or coalesce(input.due_at > (clock_timestamp() + ("pgboss".job_now() - now())) and input.due_at < 'infinity', false)) then 'retry' else 'created' end::"pgboss".job_state,
          jsonb_object(array['event', input.id::text, 'type', input.type, 'handler', receiver.handler] || case when octet_length(input.payload) > 4096 then array['bytes', octet_length(input.payload)::text] end || case when job.replay is not null then array['replay', job.replay] end),
          receiver.priority,
          case when (job.is_held or coalesce(input.due_at > (clock_timestamp() + ("pgboss".job_now() - now())) and input.due_at < 'infinity', false)) then case when job.is_held then timestamptz '9999-12-30 00:00:00+00' else input.due_at end else "pgboss".job_now() end,
          (clock_timestamp() + ("pgboss".job_now() - now())),
          case when right(receiver.queue, 12) = '_partitioned' then receiver.handler || ':' || input.partition_key end,
          queue.expire_seconds,
          queue.deletion_seconds,
          "pgboss".job_now() + queue.retention_seconds * interval '1s',
          queue.retry_limit,
          queue.retry_delay,
          queue.retry_backoff,
          queue.retry_delay_max,
          queue.policy,
          queue.dead_letter,
          queue.heartbeat_seconds, case when job.is_held then "pgboss".job_now() end
      from jsonb_to_recordset(jobs) as job (place integer, seq bigint, is_held boolean, replay text)
      cross join lateral (
        select event.id, event.type, event.partition_key, event.due_at, case when pg_column_size(event.payload) > 1048576 and octet_length(event.payload::text) > 67108864
          then '' else event.payload::text end from "postbus".event event where event.seq = job.seq for key share
      ) input
      cross join lateral (select job.seq) stored
      cross join lateral (select handlers[job.place] as handler, hashes[job.place] as handler_hash, priorities[job.place] as priority,
        queues[job.place] || case when input.partition_key is null then '' else '_partitioned' end as queue) receiver
      left join "pgboss".queue queue on queue.name = receiver.queue
      where job.place = any(ours)
      on conflict (name, id) do update set state = excluded.state, start_after = excluded.start_after, started_on = excluded.started_on,
        completed_on = null, heartbeat_on = null, blocked = false, group_tier = null, output = null, retry_count = 0,
        retry_limit = excluded.retry_limit, data = excluded.data
      where job.state in ('completed', 'cancelled', 'failed')
      returning job.id, job.name, job.state = 'created' as is_due
    ), told as (
      select pg_notify('postbus_postbus', due.name) from (select distinct written.name from written where written.is_due) due
    ), buried as (
      delete from "postbus".dead_letter letter where letter.delivery_id = any(array(select written.id from written))
    )
    select count(*)::text from told into one;
  end if;
  if ended is not null or passed is not null then
    select one.number into turn from "postbus".history_turn one where one.only_one;
  end if;
  if ended is not null then
    select array_agg(found.row), jsonb_object_agg(found.id::text, to_jsonb(ending))
    into ends, ends_of
    from jsonb_to_recordset(ended) as ending (
      place integer, seq bigint, in_lane boolean, outcome text, passed_as text, delay_ms float8, error jsonb, reason text, blocks boolean
    )
    cross join lateral (
      select job.ctid as row, job.id from "pgboss".job_common job where job.name = queues[ending.place] || case when ending.in_lane then '_partitioned' else '' end and job.id = (lpad(to_hex(ending.seq), 16, '0') || hashes[ending.place])::uuid and job.state::text = 'retry' and job.start_after = timestamptz '9999-12-30 00:00:00+00' for update
    ) found
    where ending.place = any(known);
    if ends is not null then
      with done as (
        delete from "pgboss".job_common job where job.ctid = any(ends) and ends_of -> job.id::text ->> 'outcome' in ('done', 'passed')
        returning job.name, job.singleton_key, job.id, job.started_on, (job.data ->> 'handler') as handler, ends_of -> job.id::text as ending
      ), kept as (
        insert into "postbus".history (seq, ended_at, took_ms, turn, handler, outcome, detail)
        select "postbus".seq_of_delivery(done.id), (clock_timestamp() + ("pgboss".job_now() - now())), least(extract(epoch from (clock_timestamp() + ("pgboss".job_now() - now())) - done.started_on) * 1000, 2147483647)::integer, turn,
          "postbus".handler_number(done.handler), done.ending ->> 'passed_as',
          jsonb_build_object('reason', done.ending ->> 'reason')
        from done where done.ending ->> 'outcome' = 'passed'
      ), changed as (
        update "pgboss".job_common job set
          state = (case when ends_of -> job.id::text ->> 'outcome' = 'dead' and not (ends_of -> job.id::text ->> 'blocks')::boolean then 'failed' else 'retry' end)::"pgboss".job_state,
          completed_on = case when ends_of -> job.id::text ->> 'outcome' = 'dead' and not (ends_of -> job.id::text ->> 'blocks')::boolean then (clock_timestamp() + ("pgboss".job_now() - now())) end,
          start_after = case
            when ends_of -> job.id::text ->> 'outcome' in ('retry', 'later', 'awaiting') then (clock_timestamp() + ("pgboss".job_now() - now())) + (ends_of -> job.id::text ->> 'delay_ms')::float8 * interval '1 ms'
            when (ends_of -> job.id::text ->> 'blocks')::boolean then 'infinity'
            else (clock_timestamp() + ("pgboss".job_now() - now())) end,
          retry_limit = job.retry_limit + case when ends_of -> job.id::text ->> 'outcome' in ('later', 'awaiting') then 1 else 0 end,
          data = case
            when ends_of -> job.id::text ->> 'outcome' = 'awaiting'
              then (job.data - 'told') || jsonb_build_object('awaiting', coalesce(job.data -> 'told', '{"as": "open"}'))
            when ends_of -> job.id::text ->> 'outcome' <> 'later' and job.data #>> '{told,as}' = 'failed' then job.data - 'told'
            when ends_of -> job.id::text ->> 'outcome' <> 'later' and job.data ? 'awaiting' then job.data - 'awaiting'
            else job.data end,
          output = case
          when (ends_of -> job.id::text -> 'error') is null or jsonb_typeof((ends_of -> job.id::text -> 'error')) = 'null' then job.output
          when jsonb_array_length(case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) >= 20 then ((case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || ((ends_of -> job.id::text -> 'error'))) - 0
          else (case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || ((ends_of -> job.id::text -> 'error')) end
        where job.ctid = any(ends) and ends_of -> job.id::text ->> 'outcome' not in ('done', 'passed')
        returning job.id, job.name, job.singleton_key, job.data, job.output, ends_of -> job.id::text as ending
      ), letters as (
        insert into "postbus".dead_letter as letter (
          delivery_id, queue, handler, event_id, event_type, partition_key, reason, attempts, blocks_key, died_at
        )
        select changed.id, changed.name, coalesce(changed.data ->> 'handler', ''), event.id,
          coalesce(event.type, changed.data ->> 'type'), event.partition_key, changed.ending ->> 'reason',
          coalesce(changed.output, '[]'), (changed.ending ->> 'blocks')::boolean, (clock_timestamp() + ("pgboss".job_now() - now()))
        from changed
        left join lateral (
          select event.id, event.type, event.partition_key from "postbus".event event
          where event.seq = "postbus".seq_of_delivery(changed.id) offset 0
        ) event on true
        where changed.ending ->> 'outcome' = 'dead'
        on conflict (delivery_id) do update set
          reason = excluded.reason, attempts = excluded.attempts, blocks_key = excluded.blocks_key,
          died_at = excluded.died_at, dismissed_at = null
      ), over as (
        select changed.name, changed.singleton_key from changed union all select done.name, done.singleton_key from done
      )
      select array_agg(over.singleton_key) filter (where over.singleton_key is not null),
        array_agg(over.name) filter (where over.singleton_key is not null)
      into lanes, lane_queues from over;
    end if;
  end if;
  if passed is not null and ours is not null then
    insert into "postbus".history (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
    select gone.seq, (clock_timestamp() + ("pgboss".job_now() - now())), coalesce(gone.took_ms, 0), turn, "postbus".handler_number(handlers[gone.place]),
      case when gone.outcome in ('expired', 'cancelled', 'superseded') then 0 end, gone.outcome, jsonb_build_object('reason', gone.reason)
    from jsonb_to_recordset(passed) as gone (place integer, seq bigint, took_ms integer, outcome text, reason text)
    where gone.place = any(ours);
  end if;

  if lanes is not null then
    for one in select distinct lane.queue from unnest(lane_queues) as lane (queue) loop
      perform "postbus".promote(one, (
        select array_agg(lane.name) from unnest(lanes, lane_queues) as lane (name, queue) where lane.queue = one
      ));
      perform pg_notify('postbus_postbus', one);
    end loop;
  end if;
  if exists (select from "postbus".watch) then
    perform pg_notify('postbus_postbus_end', '*');
  end if;
  if exists (select from "postbus".finish) then
    perform "postbus".finish(array(
      select one_of.seq from "postbus".finish one_of
      where one_of.seq > (select min(moving.seq) from unnest(from_seqs) as moving (seq))
        and one_of.seq <= (select max(moving.seq) from unnest(to_seqs) as moving (seq))
      order by one_of.seq limit 1000
    ));
  end if;
  return query select unnest(known);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.log_admit(queues text[], ids uuid[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
declare
  rows tid[];
  one text;
begin
  select array_agg(held.row) into rows from unnest(queues, ids) as asked (queue, id) cross join lateral (
    select job.ctid as row from "pgboss".job_common job where job.name = asked.queue and job.id = asked.id
      and job.state::text = 'retry' and job.start_after = timestamptz '9999-12-30 00:00:00+00' for update
  ) held;
  if rows is null then return 0; end if;
  update "pgboss".job_common job set start_after = (clock_timestamp() + ("pgboss".job_now() - now())) where job.ctid = any(rows);
  for one in select distinct asked.queue from unnest(queues) as asked (queue) loop
    perform pg_notify('postbus_postbus', one);
  end loop;
  return cardinality(rows);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.log_admit_all(of_handler text, after_seq bigint)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  found_queues text[];
  one text;
begin
  with held as (
    select job.ctid as row from "postbus".queue own cross join lateral (
      select job.ctid, job.data from "pgboss".job_common job where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = own.name and job.start_after = timestamptz '9999-12-30 00:00:00+00'
        and "postbus".seq_of_delivery(job.id) > after_seq offset 0
    ) job where (job.data ->> 'handler') = of_handler
  ), admitted as (
    update "pgboss".job_common job set start_after = (clock_timestamp() + ("pgboss".job_now() - now())) where job.ctid = any(array(select held.row from held)) and job.start_after = timestamptz '9999-12-30 00:00:00+00'
    returning job.name
  )
  select array_agg(distinct admitted.name) into found_queues from admitted;
  foreach one in array coalesce(found_queues, '{}') loop
    perform pg_notify('postbus_postbus', one);
  end loop;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.log_beat(me uuid, of_handlers text[])
 RETURNS json
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into "postbus".log_reader as one (id, handlers) values (me, of_handlers)
  on conflict (id) do update set beat = one.beat + 1, seen_at = clock_timestamp(), handlers = excluded.handlers;

  return json_build_object(
    'handlers', (select coalesce(json_agg(json_build_object('handler', one.handler, 'shards', one.shards, 'historyTo', one.history_to, 'historyId', one.id,
      'mode', one.mode, 'floors', one.floors, 'zoneFrom', one.zone_from, 'zoneTo', one.zone_to, 'endsAt', one.ends_at,
      'isReleasing', coalesce(one.phase = 'releasing', false),
      'isChanging', (one.phase is not null or one.floors is not null or one.wanted <> one.mode or coalesce(one.wanted_shards <> one.shards, false)))), '[]')
      from "postbus".log_handler one where one.handler = any(of_handlers) and not one.is_forgotten),
    'cursors', (select coalesce(json_agg(json_build_object('handler', one.handler, 'shard', one.shard, 'owner', one.owner, 'fence', one.fence,
        'position', one.position, 'deaths', one.deaths)), '[]')
      from "postbus".log_cursor one where one.handler = any(of_handlers)),
    'readers', (select coalesce(json_agg(json_build_object('id', one.id, 'beat', one.beat, 'handlers', one.handlers)), '[]')
      from "postbus".log_reader one where one.handlers && of_handlers),
    'pauses', (select coalesce(json_agg(json_build_object('kind', one.kind, 'name', one.name)), '[]')
      from "postbus".pause one where one.kind = 'handler' or one.until > clock_timestamp())
  );
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.log_begin(of_handler text, of_shards integer, after_seq bigint, is_backfilled boolean)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  last bigint;
begin
  select case when one.is_called then one.last_value else one.last_value - 1 end into last from "postbus".event_seq_seq one;
  insert into "postbus".log_handler as one (handler, shards, history_to)
  values (of_handler, of_shards, case when is_backfilled then last else least(after_seq, last) end)
  on conflict (handler) do update set id = excluded.id, shards = excluded.shards, history_to = excluded.history_to,
    began_at = excluded.began_at, is_forgotten = false, mode = 'log', wanted = 'log', wanted_shards = null, phase = null, zone_from = null,
    zone_to = null, ends_at = null, floors = null
  where one.is_forgotten;
  if not found then return; end if;
  insert into "postbus".log_cursor (handler, shard, position)
  select of_handler, shard, least(after_seq, last) from generate_series(0, of_shards - 1) shard;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.log_change(of_handler text)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  now_is record;
  last bigint;
  places bigint[];
  least_place bigint;
  top_fence bigint;
  is_read boolean;
begin
  lock table "postbus".log_handler in share row exclusive mode;
  perform from "postbus".log_handler one where one.handler = of_handler and not one.is_forgotten for update skip locked;
  if not found then return null; end if;
  select one.*, coalesce(one.wanted_shards, one.shards) as new_shards into now_is from "postbus".log_handler one where one.handler = of_handler;
  last := (select case when one.is_called then one.last_value else one.last_value - 1 end from "postbus".event_seq_seq one);
  select array_agg(one.position order by one.shard), min(one.position), max(one.fence), bool_or(one.owner is not null)
  into places, least_place, top_fence, is_read
  from "postbus".log_cursor one where one.handler = of_handler;

  if now_is.floors is not null and least_place >= (select max(one.floor) from unnest(now_is.floors) as one (floor)) then
    update "postbus".log_handler one set floors = null where one.handler = of_handler;
    now_is.floors := null;
  end if;

  case coalesce(now_is.phase, 'none')
  when 'none' then
    if now_is.wanted <> now_is.mode then
      if exists (select from "postbus".backfill one where one.handler = of_handler and one.ended_at is null) then return null; end if;
      if now_is.mode = 'job' then
        update "postbus".log_handler one set phase_since = clock_timestamp(), phase = 'preparing', zone_from = last, waits_for = (select coalesce(array_agg(distinct lock.virtualtransaction), '{}') from pg_locks lock
      left join pg_stat_activity activity on activity.pid = lock.pid
      where lock.pid is distinct from pg_backend_pid() and (
        lock.locktype = 'virtualxid' and activity.backend_type is distinct from 'autovacuum worker'
        and activity.datid = (select one.oid from pg_database one where one.datname = current_database())
        or lock.pid is null
      )) where one.handler = of_handler;
        return 'waits until everything published before is final';
      end if;
      update "postbus".log_handler one set phase_since = clock_timestamp(), phase = 'telling', told = (select coalesce(jsonb_object_agg(one.id, one.beat), '{}') from "postbus".log_reader one where of_handler = any(one.handlers)), zone_from = last, zone_to = null where one.handler = of_handler;
      return 'readers look for deliveries from now on';
    elsif now_is.mode = 'log' and now_is.new_shards <> now_is.shards and now_is.floors is null then
      update "postbus".log_handler one set phase_since = clock_timestamp(), phase = 'releasing' where one.handler = of_handler;
      return 'readers release their shards';
    end if;

  when 'preparing' then
    if now_is.wanted = 'job' then
      update "postbus".log_handler one set phase_since = clock_timestamp(), phase = null, zone_from = null, waits_for = null where one.handler = of_handler;
      perform "postbus".log_admit_all(of_handler, 0);
      return 'the change was taken back';
    end if;
    if not (not (now_is.waits_for && (select coalesce(array_agg(distinct lock.virtualtransaction), '{}') from pg_locks lock
      left join pg_stat_activity activity on activity.pid = lock.pid
      where lock.pid is distinct from pg_backend_pid() and (
        lock.locktype = 'virtualxid' and activity.backend_type is distinct from 'autovacuum worker'
        and activity.datid = (select one.oid from pg_database one where one.datname = current_database())
        or lock.pid is null
      ))) and not exists (select from pg_locks lock where lock.virtualtransaction like '-1/%')) then return null; end if;
    delete from "postbus".log_cursor one where one.handler = of_handler;
    insert into "postbus".log_cursor (handler, shard, position)
    select of_handler, shard, now_is.zone_from from generate_series(0, now_is.new_shards - 1) shard;
    update "postbus".log_handler one set phase_since = clock_timestamp(), mode = 'held', epoch = (select greatest(max(one.epoch), pg_sequence_last_value('"postbus".delivery_epoch'::regclass), 0) + 1 from "postbus".log_handler one), phase = 'announcing', waits_for = null, shards = now_is.new_shards, wanted_shards = null, history_to = one.zone_from, zone_to = null, ends_at = null,
      floors = null, began_at = clock_timestamp() where one.handler = of_handler;
    return 'publishers write held deliveries';

  when 'telling' then
    if not exists (
      select from "postbus".log_reader one
      where of_handler = any(one.handlers) and one.beat < coalesce((now_is.told ->> one.id::text)::bigint, 0) + 3
    ) then
      update "postbus".log_handler one set phase_since = clock_timestamp(), mode = 'held', epoch = (select greatest(max(one.epoch), pg_sequence_last_value('"postbus".delivery_epoch'::regclass), 0) + 1 from "postbus".log_handler one), phase = 'announcing', waits_for = null, told = null where one.handler = of_handler;
      return 'publishers write held deliveries';
    end if;

  when 'announcing' then
    perform "postbus".raise_delivery_epoch();
    update "postbus".log_handler one set phase_since = clock_timestamp(), phase = 'waiting', waits_for = (select coalesce(array_agg(distinct lock.virtualtransaction), '{}') from pg_locks lock
      left join pg_stat_activity activity on activity.pid = lock.pid
      where lock.pid is distinct from pg_backend_pid() and (
        lock.locktype = 'virtualxid' and activity.backend_type is distinct from 'autovacuum worker'
        and activity.datid = (select one.oid from pg_database one where one.datname = current_database())
        or lock.pid is null
      )) where one.handler = of_handler;
    return 'publishers know of it';

  when 'waiting' then
    if now_is.mode = 'job' then perform "postbus".log_admit_all(of_handler, 0); end if;
    if not (not (now_is.waits_for && (select coalesce(array_agg(distinct lock.virtualtransaction), '{}') from pg_locks lock
      left join pg_stat_activity activity on activity.pid = lock.pid
      where lock.pid is distinct from pg_backend_pid() and (
        lock.locktype = 'virtualxid' and activity.backend_type is distinct from 'autovacuum worker'
        and activity.datid = (select one.oid from pg_database one where one.datname = current_database())
        or lock.pid is null
      ))) and not exists (select from pg_locks lock where lock.virtualtransaction like '-1/%')) then return null; end if;
    if now_is.mode = 'job' then
      perform "postbus".log_admit_all(of_handler, 0); -- jobs that were committed since the call above
      update "postbus".log_handler one set phase_since = clock_timestamp(), phase = null, waits_for = null, zone_from = null, zone_to = null, ends_at = null, floors = null, wanted_shards = null where one.handler = of_handler;
      return 'the handler has deliveries';
    elsif now_is.mode = 'log' then
      update "postbus".log_handler one set phase_since = clock_timestamp(), phase = 'reading', waits_for = null, zone_to = last where one.handler = of_handler;
      return 'all publishers write no deliveries';
    elsif now_is.wanted = 'log' then
      update "postbus".log_handler one set phase_since = clock_timestamp(), mode = 'log', epoch = (select greatest(max(one.epoch), pg_sequence_last_value('"postbus".delivery_epoch'::regclass), 0) + 1 from "postbus".log_handler one), phase = 'announcing', waits_for = null where one.handler = of_handler;
      return 'publishers write no deliveries';
    end if;
    update "postbus".log_handler one set phase_since = clock_timestamp(), phase = 'reading', waits_for = null, ends_at = last where one.handler = of_handler;
    return 'readers know where to end';

  when 'reading' then
    if now_is.mode = 'log' and now_is.wanted = 'job' then
      update "postbus".log_handler one set phase_since = clock_timestamp(), phase = 'telling', told = (select coalesce(jsonb_object_agg(one.id, one.beat), '{}') from "postbus".log_reader one where of_handler = any(one.handlers)), zone_to = null where one.handler = of_handler;
      return 'readers look for deliveries from now on';
    elsif now_is.mode = 'log' and least_place >= now_is.zone_to then
      update "postbus".log_handler one set phase_since = clock_timestamp(), phase = null, zone_from = null, zone_to = null where one.handler = of_handler;
      return 'the handler reads the log';
    elsif now_is.mode = 'held' and now_is.wanted = 'log' then
      update "postbus".log_handler one set phase_since = clock_timestamp(), mode = 'log', epoch = (select greatest(max(one.epoch), pg_sequence_last_value('"postbus".delivery_epoch'::regclass), 0) + 1 from "postbus".log_handler one), phase = 'announcing', waits_for = null, ends_at = null where one.handler = of_handler;
      return 'publishers write no deliveries';
    elsif now_is.mode = 'held' and least_place >= now_is.ends_at then
      perform "postbus".log_admit_all(of_handler, now_is.ends_at); -- runs that are not over have jobs before this number, in the same lanes
      if is_read then return null; end if;
      delete from "postbus".log_cursor one where one.handler = of_handler;
      update "postbus".log_handler one set phase_since = clock_timestamp(), mode = 'job', epoch = (select greatest(max(one.epoch), pg_sequence_last_value('"postbus".delivery_epoch'::regclass), 0) + 1 from "postbus".log_handler one), phase = 'announcing', waits_for = null, eras = one.eras + int8multirange(int8range(one.history_to, greatest(one.history_to, one.ends_at), '(]')) where one.handler = of_handler;
      return 'publishers write deliveries';
    end if;

  when 'releasing' then
    if not is_read then
      delete from "postbus".log_cursor one where one.handler = of_handler;
      insert into "postbus".log_cursor (handler, shard, position, fence)
      select of_handler, shard, least_place, top_fence from generate_series(0, now_is.new_shards - 1) shard;
      update "postbus".log_handler one set phase_since = clock_timestamp(), phase = null, shards = now_is.new_shards, wanted_shards = null, floors = places where one.handler = of_handler;
      return 'the handler has its new shards';
    end if;
  end case;
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.log_leave(me uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  update "postbus".log_cursor one set owner = null where one.owner = me;
  delete from "postbus".log_reader one where one.id = me;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.log_take(me uuid, of_handler text, wanted integer, dead uuid[], beats bigint[])
 RETURNS TABLE(shard integer, "position" double precision, fence double precision, deaths integer)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  gone uuid[];
begin
  with gone_now as (
    delete from "postbus".log_reader one using unnest(dead, beats) as silent (id, beat)
    where one.id = silent.id and one.beat = silent.beat returning one.id
  ) select array_agg(gone_now.id) into gone from gone_now;
  if gone is not null then
    update "postbus".log_cursor one set owner = null, deaths = least(one.deaths + 1, 1000) where one.owner = any(gone);
  end if;
  perform from "postbus".log_reader one where one.id = me for key share;
  if not found then return; end if; -- another worker has declared us dead: it would not free what we take now

  return query
    with free as materialized (
      select one.handler, one.shard from "postbus".log_cursor one
      where one.handler = of_handler and one.owner is null and not exists (
        select from "postbus".log_handler handler
        where handler.handler = of_handler and (handler.phase = 'releasing' or one.position >= handler.ends_at)
      ) order by one.shard limit wanted for update skip locked
    )
    update "postbus".log_cursor one set owner = me, fence = one.fence + 1 from free
    where one.handler = free.handler and one.shard = free.shard
    returning one.shard::integer, one.position::float8, one.fence::float8, one.deaths::integer;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.log_want(of_handler text, how text, of_shards integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  lock table "postbus".log_handler in share row exclusive mode;
  insert into "postbus".backfill (handler, since, state, ended_at) values (of_handler, now(), 'done', now()) on conflict (handler) do nothing;
  insert into "postbus".log_handler (handler, shards, history_to, mode, wanted, epoch, phase_since)
  values (of_handler, coalesce(of_shards, 1), (select case when one.is_called then one.last_value else one.last_value - 1 end from "postbus".event_seq_seq one), 'job', how, (select greatest(max(one.epoch), pg_sequence_last_value('"postbus".delivery_epoch'::regclass), 0) + 1 from "postbus".log_handler one), clock_timestamp()) on conflict (handler) do nothing;
  if found then return; end if;
  update "postbus".log_handler one set wanted = how, phase_since = clock_timestamp(), wanted_shards = coalesce(of_shards, one.wanted_shards), epoch = (select greatest(max(one.epoch), pg_sequence_last_value('"postbus".delivery_epoch'::regclass), 0) + 1 from "postbus".log_handler one)
  where one.handler = of_handler and (one.wanted <> how or coalesce(one.wanted_shards, one.shards) <> coalesce(of_shards, one.wanted_shards, one.shards));
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.log_watermark(known bigint, gap_to bigint, holders text[])
 RETURNS TABLE(final double precision, gap double precision, held_by text[], taken double precision, life uuid)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  w bigint := known;
  s bigint;
begin
  select one.id into life from "postbus".server_life one where one.only_one;
  if not found then
    insert into "postbus".server_life default values on conflict do nothing;
    select one.id into life from "postbus".server_life one where one.only_one;
  end if;
  if gap_to is not null and not exists (
    select from pg_locks lock where lock.locktype = 'relation' and lock.relation = '"postbus".event'::regclass
      and lock.database = (select oid from pg_database where datname = current_database())
      and lock.mode = 'RowExclusiveLock' and lock.granted and lock.pid is distinct from pg_backend_pid() and (lock.virtualtransaction = any(holders) or lock.virtualtransaction like '-1/%')
  ) then
    w := greatest(w, gap_to);
    gap_to := null;
  end if;

  select case when one.is_called then one.last_value else one.last_value - 1 end into s from "postbus".event_seq_seq one;
  if w < s then
    w := coalesce((
      select max(following.seq) from (
        select event.seq, row_number() over (order by event.seq) as place from "postbus".event event
        where event.seq > w order by event.seq limit 5000
      ) following where following.seq = w + following.place
    ), w);
  end if;
  if gap_to is not null and w >= gap_to then gap_to := null; end if;
  if gap_to is null then holders := null; end if;

  if w < s and gap_to is null and not exists (select from "postbus".event event where event.seq = w + 1) then
    select array_agg(lock.virtualtransaction) into holders from pg_locks lock where lock.locktype = 'relation' and lock.relation = '"postbus".event'::regclass
      and lock.database = (select oid from pg_database where datname = current_database())
      and lock.mode = 'RowExclusiveLock' and lock.granted and lock.pid is distinct from pg_backend_pid();
    if holders is null then
      w := s;
    else
      gap_to := s;
    end if;
  end if;
  final := w;
  gap := gap_to;
  held_by := holders;
  taken := s;
  return next;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.no_such_queue(queue text)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  raise exception using errcode = 'PB002', message = format('Queue "%s" does not exist in this database. Run: npx postbus migrate', queue);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.promote(of_queue text, lanes text[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  heads tid[];
begin
  select array_agg(parked.row) into heads from unnest(lanes) as ended (lane)
  cross join lateral (select job.id from "pgboss".job_common job
      where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key = ended.lane and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000
      order by job.id limit 1
  ) head
  cross join lateral (select job.ctid as row from "pgboss".job_common job where job.name = of_queue and job.id = head.id and job.blocked for update
  ) parked;
  update "pgboss".job_common job set blocked = false, state = 'retry', start_after = greatest(job.start_after, (clock_timestamp() + ("pgboss".job_now() - now())))
    from unnest(heads) as head (row) where job.ctid = head.row;
  return coalesce(cardinality(heads), 0);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.prune(retention interval, batch integer, every interval, begin_again interval)
 RETURNS TABLE(pruned integer, more boolean)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  before timestamptz := least("pgboss".job_now(), clock_timestamp()) - retention;
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
  select * into place from "postbus".pruning where pruned_at <= clock_timestamp() - every for update skip locked;
  if not found then return; end if;
  perform set_config('synchronous_commit', 'off', true); -- what a crash brings back is pruned again

  select array_agg(walked.seq) filter (where walked.is_old and not walked.is_retained), max(walked.seq) filter (where walked.is_old),
    coalesce(count(*) = batch and max(walked.seq) filter (where walked.is_old) = max(walked.seq), false)
  into seqs, last_old, more
  from (
    select event.seq, event.published_at < before as is_old,
      coalesce(event.retained_until > before + retention, false) as is_retained
    from "postbus".event event
    where event.seq > place.after_seq and event.seq <= (select coalesce(min(reading.position), 9223372036854775807) from "postbus".log_cursor reading) order by event.seq limit batch
  ) walked;

  select array_agg(free.seq) into seqs
  from unnest(seqs) as old (seq) cross join lateral (
    select event.seq from "postbus".event event where event.seq = old.seq for update skip locked
  ) free;

  if seqs is not null then
    first := (lpad(to_hex(seqs[1]), 16, '0') || repeat('0', 16))::uuid;
    last := (lpad(to_hex(seqs[cardinality(seqs)]), 16, '0') || repeat('f', 16))::uuid;
    with recursive used as (
      (select job.name from "pgboss".job_common job order by job.name limit 1)
      union all
      select following.name from used cross join lateral (
        select job.name from "pgboss".job_common job where job.name > used.name order by job.name limit 1
      ) following
    ) select array_agg(used.name) into queues from used join "postbus".queue own on own.name = used.name;

    select array_agg(job.row), array_agg("postbus".seq_of_delivery(job.id)) into over, over_seqs
    from unnest(queues) as used (queue) cross join lateral (
      select job.ctid as row, job.id from "pgboss".job_common job where job.name = used.queue and job.id >= first and job.id <= last
        and (job.state::text in ('completed', 'cancelled') or job.state::text = 'failed' and exists (
          select from "postbus".dead_letter letter where letter.delivery_id = job.id and letter.dismissed_at < before
        ))
        and greatest(job.created_on, job.started_on, job.completed_on) < before
      for update skip locked
    ) job;
    select array_agg(letter.row), array_agg("postbus".seq_of_delivery(letter.delivery_id)) into letters, letter_seqs from (
      select letter.ctid as row, letter.delivery_id from "postbus".dead_letter letter where letter.delivery_id >= first and letter.delivery_id <= last and letter.dismissed_at < before for update skip locked
    ) letter;

    -- Asked in later statements than they were locked: what is there now, and was not locked, keeps its event.
    kept := kept || array(select distinct "postbus".seq_of_delivery(one.id) from (select job.id from unnest(queues) as used (queue) cross join lateral (
      select job.id, job.ctid as row from "pgboss".job_common job where job.name = used.queue and job.id >= first and job.id <= last offset 0) job where job.row <> all (coalesce(over, '{}'))) one);
    kept := kept || array(select distinct "postbus".seq_of_delivery(one.id) from (select letter.delivery_id as id from (select letter.delivery_id, letter.ctid as row from "postbus".dead_letter letter where letter.delivery_id >= first and letter.delivery_id <= last offset 0) letter
      where letter.row <> all (coalesce(letters, '{}'))) one);
    kept := kept || array(
      select distinct done.seq from "postbus".history done
      where done.seq >= seqs[1] and done.seq <= seqs[cardinality(seqs)] and done.ended_at >= before and done.turn = any (array(
        select one.number from "postbus".history_table one where one.ended_at >= before
        union all select one.number from "postbus".history_turn one
      ))
    );
    seqs := array(select old.seq from unnest(seqs) as old (seq) where old.seq <> all (kept));

    rows := array(select over.row from unnest(over, over_seqs) as over (row, seq) where over.seq = any (seqs));
    delete from "pgboss".job_common job where job.ctid = any(rows);
    rows := array(select gone.row from unnest(letters, letter_seqs) as gone (row, seq) where gone.seq = any (seqs));
    delete from "postbus".dead_letter letter where letter.ctid = any(rows);
    select array_agg(event.row) into rows from unnest(seqs) as old (seq) cross join lateral (
      select event.ctid as row from "postbus".event event where event.seq = old.seq offset 0
    ) event;
    delete from "postbus".event event where event.ctid = any(rows);
    delete from "postbus".lookup found where found.seq = any (seqs);
    delete from "postbus".log_chunk chunk where chunk.last_seq < (select min(event.seq) from "postbus".event event);
  end if;

  update "postbus".pruning set
    pruned_at = clock_timestamp(),
    after_seq = case when not more and began_at <= clock_timestamp() - begin_again then 0 else coalesce(last_old, after_seq) end,
    began_at = case when not more and began_at <= clock_timestamp() - begin_again then clock_timestamp() else began_at end;
  return query select coalesce(cardinality(seqs), 0), more;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.prune_expired(batch integer)
 RETURNS TABLE(pruned integer, more boolean)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  place record;
  times timestamptz[];
  seqs bigint[];
  gone bigint[];
begin
  select * into place from "postbus".pruning for update skip locked;
  if not found then return; end if;
  perform set_config('synchronous_commit', 'off', true); -- what a crash brings back is pruned again
  select array_agg(past.over_at), array_agg(past.seq) into times, seqs from (
    (
      select event.expires_at as over_at, event.seq from "postbus".event event
      where event.expires_at is not null and (event.expires_at, event.seq) > (place.expired_at, place.expired_seq)
        and event.expires_at < least("pgboss".job_now(), clock_timestamp())
        and event.seq <= (select coalesce(min(reading.position), 9223372036854775807) from "postbus".log_cursor reading)
      order by event.expires_at, event.seq limit batch
    )
    union all
    (
      select event.retained_until as over_at, event.seq from "postbus".event event
      where event.retained_until is not null and (event.retained_until, event.seq) > (place.expired_at, place.expired_seq)
        and event.retained_until < least("pgboss".job_now(), clock_timestamp())
        and event.seq <= (select coalesce(min(reading.position), 9223372036854775807) from "postbus".log_cursor reading)
      order by event.retained_until, event.seq limit batch
    )
    order by 1, 2 limit batch
  ) past;
  more := coalesce(cardinality(seqs), 0) = batch;
  gone := case when seqs is null then '{}' else "postbus".erase(seqs) end;
  update "postbus".pruning set expired_at = case when more then times[batch] else '-infinity' end,
    expired_seq = case when more then seqs[batch] else 0 end;
  pruned := cardinality(gone);
  return next;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.publish(batch text)
 RETURNS TABLE(id uuid, deliveries integer, duplicate boolean)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  parsed jsonb := batch::jsonb;
  input record;
  stored record;
  in_transaction boolean := (parsed -> 'in_transaction')::boolean;
  queues text := parsed ->> 'wake';
  wake text;
  later timestamptz; -- when all of it is due; null: now
  epoch bigint := pg_sequence_last_value('"postbus".delivery_epoch'::regclass); -- counts changes of mode; null: there was none yet
  done text; -- an assignment is evaluated at once, where perform runs a query
begin
  if (parsed ->> 'protocol')::integer not in (1, 2) then
    raise exception using errcode = 'PB001',
      message = 'Schema "postbus" is older than the code that publishes. Run: npx postbus migrate';
  end if;

  if epoch is null and not has_sequence_privilege('"postbus".delivery_epoch'::regclass, 'select') then
    raise exception using errcode = '42501', message = 'permission denied for sequence "postbus".delivery_epoch: a role that publishes needs select';
  end if;
  if epoch is not null and epoch > coalesce((parsed ->> 'epoch')::bigint, 0)
    and (select max(one.epoch) from "postbus".log_handler one) > coalesce((parsed ->> 'epoch')::bigint, 0)
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
    later := coalesce((parsed #>> '{later,at}')::timestamptz, (clock_timestamp() + ("pgboss".job_now() - now())) + (parsed #>> '{later,delay_ms}')::float8 * interval '1 ms');
    if later <= (clock_timestamp() + ("pgboss".job_now() - now())) then later := null; end if;
  end if;

  if jsonb_array_length(parsed -> 'events') = 1 then
    select * into input from jsonb_to_recordset(parsed -> 'events') as event (
        ord integer, id uuid, type text, version integer, partition_key text, payload text, correlation_id text,
        causation_id text, caused_by_handler text, initialized_at timestamptz, source text, metadata text,
        occurred_at timestamptz, expires_at timestamptz, retain_ms float8, receivers integer
      );
    insert into "postbus".event (id, type, version, partition_key, payload, correlation_id, causation_id, caused_by_handler, initialized_at, source, metadata, occurred_at, expires_at, retained_until, due_at) values (input.id, input.type, input.version, input.partition_key, input.payload::json,
          coalesce(input.correlation_id, input.id::text), input.causation_id, input.caused_by_handler, input.initialized_at, input.source,
          input.metadata::json, input.occurred_at, input.expires_at, now() + input.retain_ms * interval '1 ms', later)
    on conflict (id) do nothing
    returning event.seq into stored;
    id := input.id;
    duplicate := not found;
    deliveries := 0;
    if not duplicate then
      if parsed ? 'plain' then
        insert into "pgboss".job_common (id, name, state, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
          retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds) select (lpad(to_hex(stored.seq), 16, '0') || receiver.handler_hash)::uuid,
          coalesce(queue.name, "postbus".no_such_queue(receiver.queue)),
          case when false then 'retry' else 'created' end::"pgboss".job_state,
          jsonb_object(array['event', input.id::text, 'type', input.type, 'handler', receiver.handler] || case when octet_length(input.payload) > 4096 then array['bytes', octet_length(input.payload)::text] end),
          receiver.priority,
          case when false then timestamptz '9999-12-31 00:00:00+00' else "pgboss".job_now() end,
          (clock_timestamp() + ("pgboss".job_now() - now())),
          case when right(receiver.queue, 12) = '_partitioned' then receiver.handler || ':' || input.partition_key end,
          queue.expire_seconds,
          queue.deletion_seconds,
          "pgboss".job_now() + queue.retention_seconds * interval '1s',
          queue.retry_limit,
          queue.retry_delay,
          queue.retry_backoff,
          queue.retry_delay_max,
          queue.policy,
          queue.dead_letter,
          queue.heartbeat_seconds from (
          jsonb_to_recordset(parsed -> 'receivers') as receiver (
            set integer, handler text, handler_hash text, queue text, priority integer
          )
          left join "pgboss".queue on queue.name = receiver.queue
        );
      else
        insert into "pgboss".job_common (id, name, state, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
          retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds) select (lpad(to_hex(stored.seq), 16, '0') || receiver.handler_hash)::uuid,
          coalesce(queue.name, "postbus".no_such_queue(receiver.queue)),
          case when (later is not null or coalesce(receiver.held, false) or case when receiver.backfilled then "postbus".is_gated(receiver.handler)
            else coalesce(receiver.finishes = 'later', false) end) then 'retry' else 'created' end::"pgboss".job_state,
          jsonb_object(array['event', input.id::text, 'type', input.type, 'handler', receiver.handler] || case when octet_length(input.payload) > 4096 then array['bytes', octet_length(input.payload)::text] end),
          receiver.priority,
          case when (later is not null or coalesce(receiver.held, false) or case when receiver.backfilled then "postbus".is_gated(receiver.handler)
            else coalesce(receiver.finishes = 'later', false) end) then case when receiver.finishes = 'later' then timestamptz '9999-12-31 00:00:00+00' else coalesce(later, case when receiver.held then timestamptz '9999-12-30 00:00:00+00' else timestamptz '9999-12-31 00:00:00+00' end) end else "pgboss".job_now() end,
          (clock_timestamp() + ("pgboss".job_now() - now())),
          case when right(receiver.queue, 12) = '_partitioned' then receiver.handler || ':' || input.partition_key end,
          queue.expire_seconds,
          queue.deletion_seconds,
          "pgboss".job_now() + queue.retention_seconds * interval '1s',
          queue.retry_limit,
          queue.retry_delay,
          queue.retry_backoff,
          queue.retry_delay_max,
          queue.policy,
          queue.dead_letter,
          queue.heartbeat_seconds from (
          jsonb_to_recordset(parsed -> 'receivers') as receiver (
            set integer, handler text, handler_hash text, queue text, priority integer, backfilled boolean, finishes text, held boolean
          )
          left join "pgboss".queue on queue.name = receiver.queue
        );
      end if;
      get diagnostics deliveries = row_count;
    end if;
    return next;
  else
    return query
    with input as materialized (
      select * from jsonb_to_recordset(parsed -> 'events') as event (
        ord integer, id uuid, type text, version integer, partition_key text, payload text, correlation_id text,
        causation_id text, caused_by_handler text, initialized_at timestamptz, source text, metadata text,
        occurred_at timestamptz, expires_at timestamptz, retain_ms float8, receivers integer
      )
    ), stored as (
      insert into "postbus".event (id, type, version, partition_key, payload, correlation_id, causation_id, caused_by_handler, initialized_at, source, metadata, occurred_at, expires_at, retained_until, due_at) select input.id, input.type, input.version, input.partition_key, input.payload::json,
          coalesce(input.correlation_id, input.id::text), input.causation_id, input.caused_by_handler, input.initialized_at, input.source,
          input.metadata::json, input.occurred_at, input.expires_at, now() + input.retain_ms * interval '1 ms', later from input order by ord
      on conflict (id) do nothing
      returning event.seq, event.id
    ), delivered as (
      insert into "pgboss".job_common (id, name, state, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
          retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds)
      select (lpad(to_hex(stored.seq), 16, '0') || receiver.handler_hash)::uuid,
          coalesce(queue.name, "postbus".no_such_queue(receiver.queue)),
          case when (later is not null or coalesce(receiver.held, false) or case when receiver.backfilled then "postbus".is_gated(receiver.handler)
            else coalesce(receiver.finishes = 'later', false) end) then 'retry' else 'created' end::"pgboss".job_state,
          jsonb_object(array['event', input.id::text, 'type', input.type, 'handler', receiver.handler] || case when octet_length(input.payload) > 4096 then array['bytes', octet_length(input.payload)::text] end),
          receiver.priority,
          case when (later is not null or coalesce(receiver.held, false) or case when receiver.backfilled then "postbus".is_gated(receiver.handler)
            else coalesce(receiver.finishes = 'later', false) end) then case when receiver.finishes = 'later' then timestamptz '9999-12-31 00:00:00+00' else coalesce(later, case when receiver.held then timestamptz '9999-12-30 00:00:00+00' else timestamptz '9999-12-31 00:00:00+00' end) end else "pgboss".job_now() end,
          (clock_timestamp() + ("pgboss".job_now() - now())),
          case when right(receiver.queue, 12) = '_partitioned' then receiver.handler || ':' || input.partition_key end,
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
      from input
      join (
          jsonb_to_recordset(parsed -> 'receivers') as receiver (
            set integer, handler text, handler_hash text, queue text, priority integer, backfilled boolean, finishes text, held boolean
          )
          left join "pgboss".queue on queue.name = receiver.queue
        ) on receiver.set = input.receivers
      join stored on stored.id = input.id
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
  end if;

  if parsed ? 'finishes' then
    done := "postbus".finish_later(parsed)::text;
  end if;
  if in_transaction then
    done := set_config('postbus.published_by', extract(epoch from statement_timestamp())::text, true);
  elsif queues is not null then
    done := "postbus".wake(queues);
  end if;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.publish_event(type text, data anycompatible, partition_key text DEFAULT NULL::text, id uuid DEFAULT NULL::uuid, version integer DEFAULT 1, occurred_at timestamp with time zone DEFAULT NULL::timestamp with time zone, correlation_id text DEFAULT NULL::text, causation_id text DEFAULT NULL::text, source text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, ttl interval DEFAULT NULL::interval, delay interval DEFAULT NULL::interval, at timestamp with time zone DEFAULT NULL::timestamp with time zone, without_key boolean DEFAULT false)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_variable
declare
  known record;
  listening record;
  receiver record;
  document text := data::text;
  checked json;
  problem text;
  occurred timestamptz := date_trunc('milliseconds', coalesce(occurred_at, clock_timestamp()));
  expires timestamptz;
  new_id uuid := coalesce(id, encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid);
  later jsonb;
  epoch bigint;
  published record;
  done text;
begin
  select min(one.type) as type, bool_or(one.is_keyed) as is_keyed, max(one.retain_ms) as retain_ms, max(one.max_bytes) as max_bytes,
    case when bool_and(one.ttl_ms is not null) then max(one.ttl_ms) end as ttl_ms
  into known from "postbus".registered_type one where one.name = publish_event.type and one.version = publish_event.version;
  loop
  if pg_sequence_last_value('"postbus".delivery_epoch'::regclass) is not null then
    select max(one.epoch) into epoch from "postbus".log_handler one;
  end if;
  select bool_or(case when one.delivery = 'within' then 'within' else coalesce(reading.mode, one.delivery) end in ('log', 'held')) as is_read, min(one.handler) filter (where one.delivery = 'within') as within,
    min(one.handler) filter (where one.is_ordered) as ordered
  into listening from "postbus".subscription one left join "postbus".log_handler reading on reading.handler = one.handler and not reading.is_forgotten where one.type = known.type and one.version = publish_event.version;
  if known.type is null then
    if exists (select from "postbus".registered_type one where one.name = publish_event.type) then
      raise exception using errcode = 'PB011', message = format('Event type "%s" has no version %s that SQL may publish.', left(publish_event.type, 128), coalesce(version::text, 'null')), detail = format('Registered: version %s.', (select string_agg(distinct one.version::text, ', ') from "postbus".registered_type one where one.name = publish_event.type)), hint = 'Give one of them: version => …. A new version of the code is registered by: npx postbus migrate';
    end if;
    raise exception using errcode = 'PB010', message = format('Event type "%s" is not registered, so SQL may not publish it.', coalesce(left(publish_event.type, 128), 'null')), detail = coalesce(format('Registered are, among others: %s.', (select string_agg(one.name, ', ' order by one.name) from (
      select distinct one.name from "postbus".registered_type one order by one.name limit 10) one)), 'No event type is registered.'), hint = 'Give the type to a bus, createBus({ events, handlers }), and run: npx postbus migrate. See what is registered with: npx postbus types sql';
  end if;
if (listening.within is null) is not true then
    raise exception using errcode = 'PB014', message = format('Event type "%s" cannot be published by SQL.', left(publish_event.type, 128)), detail = format('Its handler "%s" runs inside publish (runs: ''in-transaction''), which only the application can do.', listening.within), hint = 'Publish it from the application, or let the handler run in a worker.';
  end if;
if (known.is_keyed = (partition_key is not null) or known.is_keyed and without_key) is not true then
    raise exception using errcode = 'PB012', message = format(case when known.is_keyed then 'Event type "%s" needs a partition_key.' else 'Event type "%s" takes no partition_key.' end, left(publish_event.type, 128)), detail = case when known.is_keyed then 'Its events are handled in order for each key, and only the code can read the key from the data.'
        else 'Its definition has no partitionKey, so no other publisher gives one.' end, hint = case when known.is_keyed then 'Give it: partition_key => …, the same text that partitionKey of the event type returns. For an event that needs no order: without_key => true.'
        else 'Leave it out, or give the event type a partitionKey and run: npx postbus migrate' end;
  end if;
if (partition_key is null or not without_key) is not true then
    raise exception using errcode = 'PB012', message = format('Event of type "%s" has a partition_key, and says without_key.', left(publish_event.type, 128)), detail = 'Only one of them can be meant.', hint = 'Leave one of them out.';
  end if;
if (partition_key is null or partition_key <> '' and octet_length(partition_key) <= 512) is not true then
    raise exception using errcode = 'PB012', message = format('The partition_key of an event of type "%s" is malformed.', left(publish_event.type, 128)), detail = format('It has %s bytes.', octet_length(partition_key)), hint = 'Give 1 to 512 bytes of text.';
  end if;
if document is null then
    raise exception using errcode = 'PB013', message = format('The data of an event of type "%s" is not JSON.', left(publish_event.type, 128)), detail = 'It is null, which is no document.', hint = 'For the JSON value null write: data => ''null''.';
  elsif pg_typeof(data) = any (array['json', 'jsonb']::regtype[]) then null;
  elsif pg_typeof(data) = any (array['text', 'varchar']::regtype[]) then
    begin
      checked := document;
    exception when invalid_text_representation or untranslatable_character or statement_too_complex then
      get stacked diagnostics problem = pg_exception_detail;
      raise exception using errcode = 'PB013', message = format('The data of an event of type "%s" is not JSON.', left(publish_event.type, 128)), detail = concat_ws(': ', sqlerrm, nullif(problem, '')), hint = 'Give json, jsonb, or text that is JSON. A string has quotes of its own: data => ''"text"''.';
    end;
  else
    raise exception using errcode = 'PB013', message = format('The data of an event of type "%s" is not JSON.', left(publish_event.type, 128)), detail = format('It is of type %s.', pg_typeof(data)), hint = 'Give json, jsonb, or text that is JSON: to_jsonb(…) makes it of a row or a value.';
  end if;
  if (octet_length(document) <= known.max_bytes - 30) is not true then
    raise exception using errcode = 'PB015', message = format('The data of an event of type "%s" is too large.', left(publish_event.type, 128)), detail = format('It has %s bytes, and at most %s are allowed, by maxPayloadBytes of the bus.', octet_length(document), known.max_bytes - 30), hint = 'Store large content elsewhere, and publish where it is.';
  end if;
if (correlation_id is null or correlation_id <> '' and octet_length(correlation_id) <= 512) is not true then
    raise exception using errcode = 'PB013', message = format('The correlation_id of an event of type "%s" is malformed.', left(publish_event.type, 128)), detail = format('It has %s bytes.', octet_length(correlation_id)), hint = 'Give 1 to 512 bytes of text, or leave it out.';
  end if;
if (causation_id is null or causation_id <> '' and octet_length(causation_id) <= 512) is not true then
    raise exception using errcode = 'PB013', message = format('The causation_id of an event of type "%s" is malformed.', left(publish_event.type, 128)), detail = format('It has %s bytes.', octet_length(causation_id)), hint = 'Give 1 to 512 bytes of text, or leave it out.';
  end if;
if (source is null or source <> '' and octet_length(source) <= 512) is not true then
    raise exception using errcode = 'PB013', message = format('The source of an event of type "%s" is malformed.', left(publish_event.type, 128)), detail = format('It has %s bytes.', octet_length(source)), hint = 'Give 1 to 512 bytes of text, or leave it out.';
  end if;
if (metadata is null or jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384) is not true then
    raise exception using errcode = 'PB013', message = format('The metadata of an event of type "%s" is malformed.', left(publish_event.type, 128)), detail = format('It is a JSON %s of %s bytes.', jsonb_typeof(metadata), octet_length(metadata::text)), hint = 'Give a JSON object of at most 16384 bytes.';
  end if;
if (isfinite(occurred) and occurred >= '0001-01-01 00:00:00+00' and occurred < '10000-01-01 00:00:00+00') is not true then
    raise exception using errcode = 'PB013', message = format('The occurred_at of an event of type "%s" is malformed.', left(publish_event.type, 128)), detail = format('It is %s.', occurred), hint = 'Give a time of the years 1 to 9999, or leave it out.';
  end if;
  if ttl is not null then expires := occurred + ttl;
  elsif known.ttl_ms is not null then expires := occurred + known.ttl_ms * interval '1 ms';
  end if;
  if (expires is null or expires > occurred and isfinite(expires) and expires >= '0001-01-01 00:00:00+00' and expires < '10000-01-01 00:00:00+00') is not true then
    raise exception using errcode = 'PB013', message = format('The ttl of an event of type "%s" is malformed.', left(publish_event.type, 128)), detail = format('It is %s.', coalesce(ttl::text, known.ttl_ms || ' ms')), hint = 'Give an interval that is longer than nothing and ends before the year 10000, or leave it out.';
  end if;
if delay is not null or at is not null then
    if ((delay is null or at is null) and (delay is null or delay >= interval '0' and delay <= interval '365 days')
      and (at is null or isfinite(at) and at <= (clock_timestamp() + ("pgboss".job_now() - now())) + interval '365 days')) is not true then
    raise exception using errcode = 'PB013', message = format('It cannot be said when an event of type "%s" is due.', left(publish_event.type, 128)), detail = format('delay is %s, and at is %s.', coalesce(delay::text, 'null'), coalesce(at::text, 'null')), hint = 'Give one of them: an interval from 0 to 365 days, or a time that is at most 365 days ahead.';
  end if;
    if delay is not null and delay > interval '0' then
      later := jsonb_build_object('delay_ms', extract(epoch from delay) * 1000);
    elsif at is not null then
      later := jsonb_build_object('at', at);
    end if;
    if (later is null or partition_key is null or listening.ordered is null) is not true then
    raise exception using errcode = 'PB016', message = format('An event of type "%s" has a partition_key, and cannot be published for later.', left(publish_event.type, 128)), detail = format('Handler "%s" gets the events of a key in the order of publishing.', listening.ordered), hint = 'Give what is delayed an event type of its own, without a key, or the handler ordered: false.';
  end if;
  end if;

  select jsonb_agg(jsonb_build_object('set', 0, 'handler', one.handler, 'handler_hash', one.handler_hash, 'queue', one.queue,
      'priority', case when one.is_held then 0 else one.priority end, 'backfilled', one.is_backfilled, 'finishes', one.finishes,
      'held', one.is_held) order by one.ord, one.handler) as list,
    string_agg(distinct one.queue, ' ') as queues, bool_or(one.is_backfilled or one.is_finisher or one.is_held) as is_special,
    bool_or(one.finishes = 'later') as finishes, bool_or(one.is_asked_blind) as is_asked_blind
  into receiver from (
    select one.*, one.way = 'held' and later is null as is_held, case when one.is_finisher then case when listening.is_read or count(*) over () > 1 then 'later' else 'now' end end as finishes
    from (
      select distinct on (one.handler) one.handler, one.handler_hash, one.ord, one.priority, case when one.delivery = 'within' then 'within' else coalesce(reading.mode, one.delivery) end as way, one.is_backfilled, one.is_finisher,
        one.is_asked_blind, case when partition_key is not null and one.is_ordered and not one.is_finisher then one.keyed_queue else one.queue end as queue
      from "postbus".subscription one join "postbus".registry registered using (service) left join "postbus".log_handler reading on reading.handler = one.handler and not reading.is_forgotten
      where one.type = known.type and one.version = publish_event.version
      order by one.handler, registered.registered_at desc, one.service
    ) one where one.way in ('job', 'held')
  ) one;

  select * into published from "postbus".publish((jsonb_build_object(
    'protocol', case when later is null then 1 else 2 end,
    'in_transaction', true,
    'epoch', epoch,
    'events', jsonb_build_array(jsonb_build_object('ord', 0, 'id', new_id, 'type', known.type, 'version', version,
      'partition_key', partition_key, 'payload', '{"json":' || document || ',"unparsed":true}', 'correlation_id', correlation_id,
      'causation_id', causation_id, 'source', source, 'metadata', nullif(metadata, '{}')::text, 'occurred_at', occurred,
      'expires_at', expires, 'retain_ms', known.retain_ms, 'receivers', 0)),
    'receivers', coalesce(receiver.list, '[]'),
    'wake', nullif(concat_ws(' ', case when later is null then receiver.queues end,
      case when listening.is_read then '#log' end), ''))
    || case when later is null and receiver.is_special is distinct from true then '{"plain":true}'::jsonb else '{}' end
    || case when later is null then '{}'::jsonb else jsonb_build_object('later', later) end
    || case when receiver.finishes then '{"finishes":true}'::jsonb else '{}' end
  )::text);
  exit when published.deliveries >= 0; -- less: a mode has changed meanwhile, and nothing was written
  end loop;
  if receiver.is_asked_blind and not published.duplicate then
    update "postbus".event one set is_unasked = true where one.id = new_id;
  end if;
  done := set_config('postbus.published_by', 'sql', true);
  return new_id;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.raise_delivery_epoch()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  committed bigint;
begin
  perform pg_advisory_xact_lock('"postbus".delivery_epoch'::regclass::integer, 0);
  select max(one.epoch) into committed from "postbus".log_handler one;
  if committed > coalesce(pg_sequence_last_value('"postbus".delivery_epoch'::regclass), 0) then
    perform setval('"postbus".delivery_epoch', committed);
  end if;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.recover_silent(queues text[], ids uuid[], claims bigint[], beats bigint[], lost boolean[], looked_at double precision, silent_seconds double precision, since_seconds double precision, error jsonb)
 RETURNS TABLE(queue text, taken integer, id uuid, claim bigint, beat bigint, delayed boolean, seen_at double precision)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  began float8 := extract(epoch from (clock_timestamp() + ("pgboss".job_now() - now())));
  is_delayed boolean;
  freed tid[];
  freed_queues text[];
  lanes text[];
  claimed_on timestamptz[];
  now_at timestamptz;
  one text;
begin
  begin
    lock table "pgboss".job_common in row exclusive mode nowait;
  exception when lock_not_available then
    return query select null::text, null::integer, null::uuid, null::bigint, null::bigint, true, began;
    return;
  end;
  is_delayed := coalesce(began not between looked_at and looked_at + 5, false);
  return query select null::text, null::integer, null::uuid, null::bigint, null::bigint, is_delayed, began;

  if not is_delayed and true = any(lost) then
    select array_agg(job.row), array_agg(seen.queue), array_agg(job.lane), array_agg(job.started_on)
    into freed, freed_queues, lanes, claimed_on
    from unnest(queues, ids, claims, beats, lost) as seen (queue, id, claim, beat, is_lost)
    cross join lateral (
      select job.ctid as row, job.singleton_key as lane, job.started_on from "pgboss".job_common job where job.name = seen.queue and job.id = seen.id and (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) = seen.claim and coalesce((extract(epoch from job.heartbeat_on) * 1000000)::bigint = seen.beat, true) and job.state::text = 'active' for update skip locked
    ) job
    where seen.is_lost;
    update "pgboss".job_common job set
      state = 'retry',
      start_after = (clock_timestamp() + ("pgboss".job_now() - now())),
      output = case
          when (error || jsonb_build_object('attempt', (job.retry_count - (job.retry_limit - 1000000) + 1) + case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end,
      'lost', case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end + (not silent.has_begun)::integer, 'begun', silent.has_begun)) is null or jsonb_typeof((error || jsonb_build_object('attempt', (job.retry_count - (job.retry_limit - 1000000) + 1) + case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end,
      'lost', case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end + (not silent.has_begun)::integer, 'begun', silent.has_begun))) = 'null' then job.output
          when jsonb_array_length(case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) >= 20 then ((case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || ((error || jsonb_build_object('attempt', (job.retry_count - (job.retry_limit - 1000000) + 1) + case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end,
      'lost', case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end + (not silent.has_begun)::integer, 'begun', silent.has_begun)))) - 0
          else (case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || ((error || jsonb_build_object('attempt', (job.retry_count - (job.retry_limit - 1000000) + 1) + case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end,
      'lost', case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end + (not silent.has_begun)::integer, 'begun', silent.has_begun))) end
    from (
      select one.row, count(*) over (partition by one.queue, one.claimed_on) = 1 as has_begun
      from unnest(freed, freed_queues, claimed_on) as one (row, queue, claimed_on)
    ) silent
    where job.ctid = silent.row;
    for one in select distinct silent.queue from unnest(freed_queues) silent (queue) loop
      perform "postbus".promote(one, (
        select array_agg(silent.lane) from unnest(freed_queues, lanes) silent (queue, lane)
        where silent.queue = one and silent.lane is not null
      ));
      perform pg_notify('postbus_postbus', one);
    end loop;
    return query select silent.queue, count(*)::integer, null::uuid, null::bigint, null::bigint, null::boolean, null::float8
      from unnest(freed_queues) silent (queue) group by 1;
  end if;

  return query select seen.queue, null::integer, seen.id, seen.claim, seen.beat, null::boolean, null::float8
    from unnest(queues, ids, claims, beats, lost) as seen (queue, id, claim, beat, is_lost)
    cross join lateral (select 1 from "pgboss".job_common job where job.name = seen.queue and job.id = seen.id and (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) = seen.claim and coalesce((extract(epoch from job.heartbeat_on) * 1000000)::bigint = seen.beat, true) and job.state::text = 'active' for share skip locked) job
    where not seen.is_lost;
  -- A bound that calls the clock is no bound of an index scan.
  now_at := (clock_timestamp() + ("pgboss".job_now() - now()));
  return query select found.name, null::integer, found.id, found.claim, found.beat, null::boolean, null::float8
    from (
      select job.name, job.id, (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) as claim, (extract(epoch from job.heartbeat_on) * 1000000)::bigint as beat from "pgboss".job_common job where job.state = 'active' and job.retry_limit >= 1000000 and job.heartbeat_on < now_at - silent_seconds * interval '1 s'
      and job.heartbeat_on >= coalesce(now_at - since_seconds * interval '1 s', '-infinity')
      order by job.heartbeat_on limit 2000 for share skip locked
    ) found;
  return query select found.name, null::integer, found.id, found.claim, found.beat, null::boolean, null::float8
    from (
      select job.name, job.id, (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) as claim, (extract(epoch from job.heartbeat_on) * 1000000)::bigint as beat from "pgboss".job_common job where job.state = 'active' and job.retry_limit >= 1000000 and job.heartbeat_on > now_at + silent_seconds * interval '1 s'
      order by job.heartbeat_on limit 2000 for share skip locked
    ) found;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.refuse_job()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if new.retry_limit < 1000000 or not (
    new.state = 'active' and old.state < 'active' and current_query() ~* 'skip locked'
    or new.state = 'completed' and old.state = 'active' and current_query() ~* 'results as'
  ) then return null; end if;
  perform setval('"postbus".refused_at', extract(epoch from clock_timestamp())::bigint);
  raise exception using errcode = 'PB004',
    message = format('Queue "%s" holds deliveries of Postbus: pg-boss must not %s them, their handlers would not run.',
      new.name, case new.state when 'active' then 'fetch' else 'complete' end),
    hint = 'Run the handlers with: npx postbus worker. Give jobs of your own a queue of another name.';
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.replay_batch(of_replay uuid, of_handler text, handler_hash text, of_queue text, of_priority integer, of_runner uuid, from_seq bigint, upto_seq bigint, chosen bigint[], looked integer, is_ordered boolean DEFAULT true)
 RETURNS TABLE(replayed integer, retried integer, skipped integer)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  over uuid[];
  rows tid[];
  queues text[];
  seqs bigint[];
  existing uuid[];
  reads_log boolean;
  one text;
begin
  perform pg_current_xact_id();
  update "postbus".replay one_of set after_seq = upto_seq, moved_at = (clock_timestamp() + ("pgboss".job_now() - now())), examined = one_of.examined + looked
  where one_of.id = of_replay and one_of.runner = of_runner and one_of.state = 'running' and one_of.after_seq = from_seq;
  if not found then return; end if;
  replayed := 0;
  retried := 0;
  skipped := 0;
  if chosen <> '{}' then
    reads_log := exists (select from "postbus".log_handler reading where reading.handler = of_handler and (reading.mode <> 'job' or reading.phase = 'preparing')
    and not reading.is_forgotten);
  with recursive used as (
      (select job.name from "pgboss".job_common job order by job.name limit 1)
      union all
      select following.name from used cross join lateral (
        select job.name from "pgboss".job_common job where job.name > used.name order by job.name limit 1
      ) following
    ) select array_agg(used.name) into queues from used join "postbus".queue own on own.name = used.name;
  select array_agg(held.seq) into seqs from unnest(chosen) as asked (seq) cross join lateral (
    select event.seq from "postbus".event event where event.seq = asked.seq for no key update
  ) held;
    select array_agg(found.id), array_agg(found.id) filter (where found.is_over) into existing, over
    from unnest(seqs) as asked (seq) cross join unnest(queues) as used (queue) cross join lateral (
      select job.id, (job.state::text in ('failed', 'completed', 'cancelled') or job.state::text = 'retry' and job.start_after = 'infinity') as is_over from "pgboss".job_common job where job.name = used.queue and job.id = (lpad(to_hex(asked.seq), 16, '0') || handler_hash)::uuid  offset 0 
    ) found;
    insert into "pgboss".job_common (id, name, state, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
          retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds) select (lpad(to_hex(stored.seq), 16, '0') || receiver.handler_hash)::uuid,
          coalesce(queue.name, "postbus".no_such_queue(receiver.queue)),
          case when (reads_log or coalesce(input.due_at > (clock_timestamp() + ("pgboss".job_now() - now())), false)) then 'retry' else 'created' end::"pgboss".job_state,
          jsonb_object(array['event', input.id::text, 'type', input.type, 'handler', receiver.handler] || case when octet_length(input.payload) > 4096 then array['bytes', octet_length(input.payload)::text] end || case when of_replay is not null then array['replay', (of_replay)::text] end),
          receiver.priority,
          case when (reads_log or coalesce(input.due_at > (clock_timestamp() + ("pgboss".job_now() - now())), false)) then case when coalesce(input.due_at > (clock_timestamp() + ("pgboss".job_now() - now())), false) then input.due_at else timestamptz '9999-12-30 00:00:00+00' end else "pgboss".job_now() end,
          (clock_timestamp() + ("pgboss".job_now() - now())),
          case when right(receiver.queue, 12) = '_partitioned' then receiver.handler || ':' || input.partition_key end,
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
    from unnest(seqs) as stored (seq)
    cross join lateral (
      select event.id, event.type, event.partition_key, event.due_at, case when pg_column_size(event.payload) > 1048576 and octet_length(event.payload::text) > 67108864
          then '' else event.payload::text end from "postbus".event event where event.seq = stored.seq offset 0
    ) input
    cross join lateral (
      select of_handler as handler, handler_hash, of_priority as priority,
        of_queue || case when input.partition_key is null or not is_ordered then '' else '_partitioned' end as queue
    ) receiver
    left join "pgboss".queue queue on queue.name = receiver.queue
    where input.due_at is distinct from 'infinity' and not stored.seq = any(select "postbus".seq_of_delivery(one_of.id) from unnest(existing) as one_of (id))
    on conflict do nothing;
    get diagnostics replayed = row_count;

    if over is not null then
      delete from "postbus".dead_letter letter where letter.delivery_id = any(over);
      select array_agg(found.row) into rows from unnest(seqs) as asked (seq) cross join unnest(queues) as used (queue) cross join lateral (
      select job.ctid as row from "pgboss".job_common job where job.name = used.queue and job.id = (lpad(to_hex(asked.seq), 16, '0') || handler_hash)::uuid and job.id = any(over) and (job.state::text in ('failed', 'completed', 'cancelled') or job.state::text = 'retry' and job.start_after = 'infinity') offset 0 for update skip locked
    ) found;
      update "pgboss".job_common job set
        state = 'retry', start_after = case when reads_log then timestamptz '9999-12-30 00:00:00+00' else (clock_timestamp() + ("pgboss".job_now() - now())) + interval '1 s' end, completed_on = null, heartbeat_on = null, blocked = false, group_tier = null,
        retry_limit = job.retry_limit + case when job.started_on is null then 0 else (job.retry_count - (job.retry_limit - 1000000) + 1) end,
        data = job.data || jsonb_build_object('replay', of_replay)
      where job.ctid = any(rows);
      get diagnostics retried = row_count;
    end if;
    skipped := coalesce(cardinality(seqs), 0) - replayed - retried;
    update "postbus".replay one_of set replayed = one_of.replayed + replay_batch.replayed, retried = one_of.retried + replay_batch.retried,
      skipped = one_of.skipped + replay_batch.skipped
    where one_of.id = of_replay;
    foreach one in array array[of_queue, of_queue || '_partitioned'] || queues loop
    perform pg_notify('postbus_postbus', one);
  end loop;
  end if;
  return next;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.resume(of_kind text, of_name text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  queues text[];
  queue text;
begin
  delete from "postbus".pause one where one.kind = of_kind and one.name = of_name;
  if not found then return false; end if;
  if of_kind = 'lane' then
    queues := array(select one.name from "postbus".queue one where one.name like '%\_partitioned' order by one.name);
    foreach queue in array queues loop
      if "postbus".promote(queue, array[of_name]) > 0 then perform pg_notify('postbus_postbus', queue); end if;
    end loop;
  end if;
  perform pg_notify('postbus_postbus', '*');
  return true;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.rewind(of_handler text, handler_hash text, of_queue text, of_priority integer, of_key text, from_seq bigint, is_preview boolean, ends_pause boolean)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  of_lane text := of_handler || ':' || of_key;
  queues text[] := array(select own.name from "postbus".queue own where own.name like '%\_partitioned');
  seqs bigint[];
  dead uuid[];
  existing uuid[];
  rows tid[];
  again integer;
  written integer;
begin
  perform pg_current_xact_id(); -- before the clock dates what is written: see marks.ts
  seqs := array(
    select event.seq from "postbus".event event where event.seq >= from_seq and event.partition_key = of_key order by event.seq
  );
  select array_agg(held.seq) into seqs from unnest(seqs) as asked (seq) cross join lateral (
    select event.seq from "postbus".event event where event.seq = asked.seq for key share
  ) held;

  select array_agg(letter.delivery_id) into dead from unnest(seqs) as asked (seq) cross join lateral (
    select letter.delivery_id from "postbus".dead_letter letter
    where letter.delivery_id = (lpad(to_hex(asked.seq), 16, '0') || handler_hash)::uuid and letter.dismissed_at is null for update
  ) letter;
  perform from unnest(queues) as used (queue) cross join lateral (
    select job.id from "pgboss".job_common job
      where hashtext(job.name) = hashtext(used.queue) and job.name || '' = used.queue and job.singleton_key = of_lane and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000
      order by job.id limit 1 for update
  ) head;

  select array_agg(found.row) into rows from unnest(queues) as used (queue) cross join unnest(dead) as asked (id) cross join lateral (
      select job.ctid as row from "pgboss".job_common job where job.name = used.queue and job.id = asked.id and job.state::text in ('failed', 'retry') for update
    ) found;
  select array_agg(found.id) into existing
  from unnest(queues) as used (queue) cross join unnest(seqs) as asked (seq) cross join lateral (
    select job.id from "pgboss".job_common job where job.name = used.queue and job.id = (lpad(to_hex(asked.seq), 16, '0') || handler_hash)::uuid offset 0
  ) found;
  select array_agg(asked.seq) into seqs from unnest(seqs) as asked (seq)
  where not (lpad(to_hex(asked.seq), 16, '0') || handler_hash)::uuid = any(coalesce(existing, '{}'))
    and exists (select from "postbus".history done where done.seq = asked.seq and done.handler = (select one.number from "postbus".handler one where one.name = of_handler));
  if is_preview then return coalesce(cardinality(rows), 0) + coalesce(cardinality(seqs), 0); end if;

  with revived as (
    update "pgboss".job_common job set
      state = 'retry', start_after = (clock_timestamp() + ("pgboss".job_now() - now())), completed_on = null, heartbeat_on = null, blocked = true, group_tier = null,
      retry_limit = job.retry_limit + case when job.started_on is null then 0 else (job.retry_count - (job.retry_limit - 1000000) + 1) end,
      data = job.data || jsonb_build_object('again', 'rewind')
    where job.ctid = any(rows)
    returning job.id
  ), gone as (
    delete from "postbus".dead_letter letter using revived where letter.delivery_id = revived.id
  )
  select count(*) into again from revived;

  insert into "pgboss".job_common (id, name, state, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
          retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds, blocked) select (lpad(to_hex(stored.seq), 16, '0') || receiver.handler_hash)::uuid,
          coalesce(queue.name, "postbus".no_such_queue(receiver.queue)),
          case when false then 'retry' else 'created' end::"pgboss".job_state,
          jsonb_object(array['event', input.id::text, 'type', input.type, 'handler', receiver.handler] || case when octet_length(input.payload) > 4096 then array['bytes', octet_length(input.payload)::text] end || array['again', 'rewind']),
          receiver.priority,
          case when false then timestamptz '9999-12-31 00:00:00+00' else "pgboss".job_now() end,
          (clock_timestamp() + ("pgboss".job_now() - now())),
          case when right(receiver.queue, 12) = '_partitioned' then receiver.handler || ':' || input.partition_key end,
          queue.expire_seconds,
          queue.deletion_seconds,
          "pgboss".job_now() + queue.retention_seconds * interval '1s',
          queue.retry_limit,
          queue.retry_delay,
          queue.retry_backoff,
          queue.retry_delay_max,
          queue.policy,
          queue.dead_letter,
          queue.heartbeat_seconds, true
  from unnest(seqs) as stored (seq)
  cross join lateral (
    select event.id, event.type, event.partition_key, case when pg_column_size(event.payload) > 1048576 and octet_length(event.payload::text) > 67108864
          then '' else event.payload::text end from "postbus".event event where event.seq = stored.seq offset 0
  ) input
  cross join (select of_handler as handler, handler_hash as handler_hash, of_priority as priority, of_queue as queue) receiver
  left join "pgboss".queue queue on queue.name = receiver.queue;
  get diagnostics written = row_count;

  perform pg_advisory_xact_lock(hashtextextended('postbus claim pgboss ' || of_queue, 0));
  if ends_pause then
    perform "postbus".resume('lane', of_lane);
  end if;
  return again + written;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.seq_of_delivery(delivery_id uuid)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN ((('x'::text || "left"(replace((delivery_id)::text, '-'::text, ''::text), 16)))::bit(64))::bigint
;

CREATE OR REPLACE FUNCTION postbus.set_aside_2(of_queue text, wanted integer, handlers text[], free integer[], against_front boolean, floors timestamp with time zone[])
 RETURNS TABLE(handler text, "row" tid, id uuid, lane text, held_back boolean, passed_over boolean)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query
    with recursive waiting as (
      (select (job.data ->> 'handler') as handler from "pgboss".job_common job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' and job.name = of_queue order by job.name, (job.data ->> 'handler') limit 1)
      union all
      select following.handler from waiting cross join lateral (
        select (job.data ->> 'handler') as handler from "pgboss".job_common job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' and job.name = of_queue and (job.data ->> 'handler') > waiting.handler
        order by job.name, (job.data ->> 'handler') limit 1
      ) following
    ), room as materialized (
      select waiting.handler, least(wanted, coalesce(free[array_position(handlers, waiting.handler)], wanted)) as free
      from waiting
    ), fitting as materialized (
      select room.handler, one.priority, one.created_on as at from room cross join lateral (
        select job.priority, job.created_on from "pgboss".job_common job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' and job.name = of_queue and (job.data ->> 'handler') = room.handler and job.start_after <= "pgboss".job_now()
        order by job.name, (job.data ->> 'handler'), job.priority desc, job.created_on
        limit room.free
      ) one
    ), against as materialized (
      select level.priority, floors[1 - level.priority] as fresh, floors[11 - level.priority] as back
      from generate_series(0, -9, -1) as level (priority) where against_front and exists (select from fitting)
    ), front as materialized (
      (select job.priority, job.created_on as at from "pgboss".job_common job
      where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.start_after <= "pgboss".job_now()
      order by job.name, job.priority desc, job.created_on
      limit coalesce((select wanted from against where against.priority = 0 and floors is null), 0))
      union all
      select one.priority, one.at from against cross join lateral (
        select job.priority, job.created_on as at from "pgboss".job_common job
        where job.state = 'created' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = against.priority and job.created_on >= against.fresh and job.start_after <= "pgboss".job_now()
        order by job.name, job.priority desc, job.created_on limit wanted
      ) one
      union all
      select one.priority, one.at from against cross join lateral (
        select job.priority, job.start_after as at from "pgboss".job_common job
        where job.state = 'retry' and job.blocked::integer = 0 and job.retry_limit >= 1000000 and job.name = of_queue and job.priority = against.priority
          and job.start_after >= coalesce(against.back, '-infinity') and job.start_after <= "pgboss".job_now()
        order by job.name, job.priority desc, job.start_after limit wanted
      ) one
    ), first as materialized (
      select * from (select * from fitting union all select null, front.* from front) both_kinds
      order by both_kinds.priority desc, both_kinds.at
      limit wanted
    ), share as materialized (
      select room.handler, room.free,
        (select count(*) from first where first.handler = room.handler) as count,
        (select count(*) from fitting where fitting.handler = room.handler) as fitting
      from room
    )
    select share.handler, taken.row, taken.id, taken.singleton_key, share.free <= share.count, share.count < share.fitting
    from share left join lateral (
      select job.ctid as row, job.id, job.singleton_key from "pgboss".job_common job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' and job.name = of_queue and (job.data ->> 'handler') = share.handler and job.start_after <= "pgboss".job_now()
        order by job.name, (job.data ->> 'handler'), job.priority desc, job.created_on
      limit share.count
      for update skip locked
    ) taken on true;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.settle_2(of_queue text, done uuid[], claims bigint[], others jsonb)
 RETURNS TABLE(settled uuid)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  claimed record;
  ours uuid[];
  turn smallint;
begin
  if others is not null then lock table "postbus".dead_letter in row exclusive mode; end if;
  if done <> '{}' or others is not null then
    select one.number into turn from "postbus".history_turn one where one.only_one;
  end if;
  -- By the name of the claim: so many ids and one name are one search of the primary key, and what was claimed together has the same.
  for claimed in
    select outcome.claim as number, array_agg(outcome.id) as ids from unnest(done, claims) as outcome (id, claim) group by 1
  loop
    with ended as (
      delete from "pgboss".job_common job
      where job.name = of_queue and job.id = any(claimed.ids) and (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) = claimed.number
        and (job.state::text = 'active' or job.state::text = 'retry' and job.heartbeat_on is not null)
      returning job.id, job.singleton_key, job.started_on as started_on, (job.data ->> 'handler') as handler, (job.retry_count - (job.retry_limit - 1000000) + 1) as attempts, job.output
    ), kept as (
      insert into "postbus".history (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
      select "postbus".seq_of_delivery(ended.id), (clock_timestamp() + ("pgboss".job_now() - now())),
        least(extract(epoch from (clock_timestamp() + ("pgboss".job_now() - now())) - ended.started_on) * 1000, 2147483647)::integer,
        turn, coalesce((select one.number from "postbus".handler one where one.name = ended.handler), "postbus".handler_number(ended.handler)),
        nullif(ended.attempts, 1),
        null,
        case when ended.output is not null then jsonb_build_object('errors', case when jsonb_typeof(ended.output) = 'array' then ended.output else '[]' end) end
      from ended
    )
    select ours || array_agg(ended.id) into ours from ended;
  end loop;
  if others is not null then
    declare
      rows tid[];
      passed tid[];
      passed_as jsonb;
    begin
      select array_agg(job.row), array_agg(job.row) filter (where outcome.passed_as is not null),
        jsonb_object_agg(outcome.id, jsonb_build_object('as', outcome.passed_as, 'reason', outcome.reason))
          filter (where outcome.passed_as is not null)
      into rows, passed, passed_as
      from jsonb_to_recordset(others) as outcome (id uuid, claim bigint, passed_as text, reason text)
      left join lateral (
        select job.ctid as row from "pgboss".job_common job where job.name = of_queue and job.id = outcome.id and (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) = outcome.claim
          and (job.state::text = 'active' or job.state::text = 'retry' and job.heartbeat_on is not null)
        for update
      ) job on true;

      with gone as (
        delete from "pgboss".job_common job where job.ctid = any(passed) returning job.id, job.singleton_key, job.started_on as started_on, (job.data ->> 'handler') as handler, (job.retry_count - (job.retry_limit - 1000000) + 1) as attempts, job.output
      ), kept as (
      insert into "postbus".history (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
      select "postbus".seq_of_delivery(gone.id), (clock_timestamp() + ("pgboss".job_now() - now())),
        least(extract(epoch from (clock_timestamp() + ("pgboss".job_now() - now())) - gone.started_on) * 1000, 2147483647)::integer,
        turn, coalesce((select one.number from "postbus".handler one where one.name = gone.handler), "postbus".handler_number(gone.handler)),
        nullif((gone.attempts - case when passed_as -> gone.id::text ->> 'as' in ('expired', 'cancelled', 'superseded') then 1 else 0 end), 1),
        passed_as -> gone.id::text ->> 'as',
        jsonb_strip_nulls(coalesce(case when gone.output is not null then jsonb_build_object('errors', case when jsonb_typeof(gone.output) = 'array' then gone.output else '[]' end) end, '{}') || jsonb_build_object('reason', passed_as -> gone.id::text ->> 'reason'))
      from gone
    ), changed as (
        update "pgboss".job_common job set
          state = (case when outcome.outcome = 'dead' and not outcome.blocks then 'failed' else 'retry' end)::"pgboss".job_state,
          completed_on = case when outcome.outcome = 'dead' and not outcome.blocks then (clock_timestamp() + ("pgboss".job_now() - now())) end,
          start_after = case
            when outcome.outcome = 'awaiting' and job.data ? 'told' then (clock_timestamp() + ("pgboss".job_now() - now()))
            when outcome.outcome in ('retry', 'later', 'awaiting') then (clock_timestamp() + ("pgboss".job_now() - now())) + outcome.delay_ms * interval '1 ms'
            when outcome.blocks then 'infinity'
            else job.start_after end,
          retry_limit = job.retry_limit + case when outcome.outcome in ('later', 'awaiting') then 1 else 0 end,
          data = case
            when outcome.outcome = 'awaiting'
              then (job.data - 'told') || jsonb_build_object('awaiting', coalesce(job.data -> 'told', '{"as": "open"}'))
            when outcome.outcome <> 'later' and job.data #>> '{told,as}' = 'failed' then job.data - 'told'
            when outcome.outcome <> 'later' and job.data ? 'awaiting' then job.data - 'awaiting'
            else job.data end,
          heartbeat_on = null,
          output = case
          when outcome.error is null or jsonb_typeof(outcome.error) = 'null' then job.output
          when jsonb_array_length(case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) >= 20 then ((case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || (outcome.error)) - 0
          else (case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || (outcome.error) end
        from rows from (
          jsonb_to_recordset(others) as (outcome text, delay_ms float8, error jsonb, reason text, blocks boolean),
          unnest(rows)
        ) as outcome (outcome, delay_ms, error, reason, blocks, row)
        where job.ctid = outcome.row and outcome.outcome <> 'passed'
        returning job.id, job.name, job.singleton_key, job.data, job.output, outcome.outcome, outcome.reason, outcome.blocks
      ), letters as (
        insert into "postbus".dead_letter as letter (
          delivery_id, queue, handler, event_id, event_type, partition_key, reason, attempts, blocks_key, died_at
        )
        select changed.id, changed.name, coalesce(changed.data ->> 'handler', ''), event.id,
          coalesce(event.type, changed.data ->> 'type'), event.partition_key, changed.reason,
          coalesce(changed.output, '[]'), changed.blocks, (clock_timestamp() + ("pgboss".job_now() - now()))
        from changed
        left join lateral (
          select event.id, event.type, event.partition_key from "postbus".event event
          where event.seq = "postbus".seq_of_delivery(changed.id) offset 0
        ) event on true
        where changed.outcome = 'dead'
        on conflict (delivery_id) do update set
          reason = excluded.reason, attempts = excluded.attempts, blocks_key = excluded.blocks_key,
          died_at = excluded.died_at, dismissed_at = null
      ), ended as (
        select changed.id, changed.singleton_key from changed union all select gone.id, gone.singleton_key from gone
      )
      select ours || array_agg(ended.id) into ours from ended;
    end;
  end if;
  if exists (select from "postbus".watch) then
    perform pg_notify('postbus_postbus_end', case when count(*) > 300 then '*' else string_agg(ended.seq::text, ' ') end)
    from (select distinct "postbus".seq_of_delivery(one.id) as seq from unnest(ours) as one (id)) ended
    where exists (select from "postbus".watch watch where watch.seq = ended.seq)
    having count(*) > 0;
  end if;
  if exists (select from "postbus".finish) then
    perform "postbus".finish(array(select distinct "postbus".seq_of_delivery(one.id) from unnest(ours) as one (id)));
  end if;
  if others is null and cardinality(ours) = cardinality(done) then
    settled := null;
    return next;
    return;
  end if;
  return query select unnest(ours);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.settle_lanes_2(of_queue text, done uuid[], runs jsonb, others jsonb, ends_run uuid[], behind integer, shadows text[])
 RETURNS TABLE(settled uuid, more boolean, cut boolean, id uuid, handler text, claim bigint, attempt integer, seq bigint, event_id uuid, type text, version integer, partition_key text, payload text, correlation_id text, causation_id text, source text, metadata text, occurred_at timestamp with time zone, expires_at timestamp with time zone, rest text)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  ours uuid[];
  lanes text[];
  claimed_on timestamptz[];
  targets uuid[];
  last_known uuid[];
  room integer[];
  later jsonb;
  others_ended uuid[];
  following jsonb;
  left_ids uuid[];
  left_lanes text[];
  taken tid[];
  promoted tid[];
  more boolean;
  turn smallint;
  has_pauses boolean;
  is_queue_paused boolean := false;
  paused_handlers text[];
  probed_handlers text[];
  has_paused_lanes boolean := false;
begin
  if others is not null then lock table "postbus".dead_letter in row exclusive mode; end if;
  if done <> '{}' or others is not null then
    select one.number into turn from "postbus".history_turn one where one.only_one;
  end if;
  if done <> '{}' then
    with first as (
      delete from "pgboss".job_common job
      where job.name = of_queue and job.id = any(done) and (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) = (runs -> job.id::text ->> 'claim')::bigint
        and (job.state::text = 'active' or job.state::text = 'retry' and job.heartbeat_on is not null)
      returning job.id, job.singleton_key, coalesce((clock_timestamp() + ("pgboss".job_now() - now())) - (runs -> job.id::text ->> 'took')::integer * interval '1 ms', job.started_on) as started_on, (job.data ->> 'handler') as handler, (job.retry_count - (job.retry_limit - 1000000) + 1) as attempts, job.output, job.started_on as claimed_on, runs -> job.id::text as run
    ), kept as (
      insert into "postbus".history (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
      select "postbus".seq_of_delivery(first.id), (clock_timestamp() + ("pgboss".job_now() - now())),
        least(extract(epoch from (clock_timestamp() + ("pgboss".job_now() - now())) - first.started_on) * 1000, 2147483647)::integer,
        turn, coalesce((select one.number from "postbus".handler one where one.name = first.handler), "postbus".handler_number(first.handler)),
        nullif(first.attempts, 1),
        null,
        case when first.output is not null then jsonb_build_object('errors', case when jsonb_typeof(first.output) = 'array' then first.output else '[]' end) end
      from first
    )
    select array_agg(first.id), array_agg(first.singleton_key), array_agg(first.claimed_on),
      array_agg((first.run ->> 'to')::uuid), array_agg((first.run ->> 'known')::uuid), array_agg((first.run ->> 'more')::integer),
      (select jsonb_object_agg(one.key, one.value) from first cross join lateral jsonb_each(first.run -> 'later') one)
    into ours, lanes, claimed_on, targets, last_known, room, later from first;
  end if;

  if later is not null then
    with ended as (
      delete from "pgboss".job_common job
      where job.name = of_queue and job.id = any(array(select jsonb_object_keys(later)::uuid))
        and job.state::text in ('created', 'retry')
      returning job.id, job.singleton_key, coalesce((clock_timestamp() + ("pgboss".job_now() - now())) - (later ->> job.id::text)::integer * interval '1 ms', job.started_on) as started_on, (job.data ->> 'handler') as handler, (job.retry_count - (job.retry_limit - 1000000) + 1) as attempts, job.output
    ), kept as (
      insert into "postbus".history (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
      select "postbus".seq_of_delivery(ended.id), (clock_timestamp() + ("pgboss".job_now() - now())),
        least(extract(epoch from (clock_timestamp() + ("pgboss".job_now() - now())) - ended.started_on) * 1000, 2147483647)::integer,
        turn, coalesce((select one.number from "postbus".handler one where one.name = ended.handler), "postbus".handler_number(ended.handler)),
        nullif(ended.attempts, 1),
        null,
        case when ended.output is not null then jsonb_build_object('errors', case when jsonb_typeof(ended.output) = 'array' then ended.output else '[]' end) end
      from ended
    )
    select array_agg(ended.id) into others_ended from ended;
  end if;

  if coalesce(cardinality(ours), 0) < cardinality(done) then
    -- A settle whose answer was lost has moved the claim already.
    select ours || array_agg(run.id), lanes || array_agg(moved.singleton_key), claimed_on || array_agg(moved.started_on),
      targets || array_agg(run.target), last_known || array_agg(run.known), room || array_agg(run.more)
    into ours, lanes, claimed_on, targets, last_known, room
    from (
      select one.id, (runs -> one.id::text ->> 'claim')::bigint as claim, (runs -> one.id::text ->> 'to')::uuid as target,
        (runs -> one.id::text ->> 'known')::uuid as known, (runs -> one.id::text ->> 'more')::integer as more
      from unnest(done) as one (id)
    ) run
    cross join lateral (select job.singleton_key, job.started_on from "pgboss".job_common job where job.name = of_queue and job.id = run.target and (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) = run.claim and job.state::text = 'active' offset 0) moved
    where not run.id = any(coalesce(ours, '{}'));
  end if;

  if array_remove(targets, null) <> '{}' then
    following := (select jsonb_object_agg(run.target, run.claimed_on) from unnest(ours, lanes, claimed_on, targets, last_known, room) as run (id, lane, claimed_on, target, known, more) where run.target is not null);
    update "pgboss".job_common job set state = 'active', blocked = false, heartbeat_on = (clock_timestamp() + ("pgboss".job_now() - now())),
      started_on = (following ->> job.id::text)::timestamptz
    where job.name = of_queue and job.id = any(targets) and job.state::text in ('created', 'retry');
  end if;
  if others is not null then
    declare
      rows tid[];
      passed tid[];
      passed_as jsonb;
    begin
      select array_agg(job.row), array_agg(job.row) filter (where outcome.passed_as is not null),
        jsonb_object_agg(outcome.id, jsonb_build_object('as', outcome.passed_as, 'reason', outcome.reason))
          filter (where outcome.passed_as is not null)
      into rows, passed, passed_as
      from jsonb_to_recordset(others) as outcome (id uuid, claim bigint, passed_as text, reason text)
      left join lateral (
        select job.ctid as row from "pgboss".job_common job where job.name = of_queue and job.id = outcome.id and (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) = outcome.claim
          and (job.state::text = 'active' or job.state::text = 'retry' and job.heartbeat_on is not null)
        for update
      ) job on true;

      with gone as (
        delete from "pgboss".job_common job where job.ctid = any(passed) returning job.id, job.singleton_key, job.started_on as started_on, (job.data ->> 'handler') as handler, (job.retry_count - (job.retry_limit - 1000000) + 1) as attempts, job.output
      ), kept as (
      insert into "postbus".history (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
      select "postbus".seq_of_delivery(gone.id), (clock_timestamp() + ("pgboss".job_now() - now())),
        least(extract(epoch from (clock_timestamp() + ("pgboss".job_now() - now())) - gone.started_on) * 1000, 2147483647)::integer,
        turn, coalesce((select one.number from "postbus".handler one where one.name = gone.handler), "postbus".handler_number(gone.handler)),
        nullif((gone.attempts - case when passed_as -> gone.id::text ->> 'as' in ('expired', 'cancelled', 'superseded') then 1 else 0 end), 1),
        passed_as -> gone.id::text ->> 'as',
        jsonb_strip_nulls(coalesce(case when gone.output is not null then jsonb_build_object('errors', case when jsonb_typeof(gone.output) = 'array' then gone.output else '[]' end) end, '{}') || jsonb_build_object('reason', passed_as -> gone.id::text ->> 'reason'))
      from gone
    ), changed as (
        update "pgboss".job_common job set
          state = (case when outcome.outcome = 'dead' and not outcome.blocks then 'failed' else 'retry' end)::"pgboss".job_state,
          completed_on = case when outcome.outcome = 'dead' and not outcome.blocks then (clock_timestamp() + ("pgboss".job_now() - now())) end,
          start_after = case
            when outcome.outcome = 'awaiting' and job.data ? 'told' then (clock_timestamp() + ("pgboss".job_now() - now()))
            when outcome.outcome in ('retry', 'later', 'awaiting') then (clock_timestamp() + ("pgboss".job_now() - now())) + outcome.delay_ms * interval '1 ms'
            when outcome.blocks then 'infinity'
            else job.start_after end,
          retry_limit = job.retry_limit + case when outcome.outcome in ('later', 'awaiting') then 1 else 0 end,
          data = case
            when outcome.outcome = 'awaiting'
              then (job.data - 'told') || jsonb_build_object('awaiting', coalesce(job.data -> 'told', '{"as": "open"}'))
            when outcome.outcome <> 'later' and job.data #>> '{told,as}' = 'failed' then job.data - 'told'
            when outcome.outcome <> 'later' and job.data ? 'awaiting' then job.data - 'awaiting'
            else job.data end,
          heartbeat_on = null,
          output = case
          when outcome.error is null or jsonb_typeof(outcome.error) = 'null' then job.output
          when jsonb_array_length(case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) >= 20 then ((case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || (outcome.error)) - 0
          else (case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || (outcome.error) end
        from rows from (
          jsonb_to_recordset(others) as (outcome text, delay_ms float8, error jsonb, reason text, blocks boolean),
          unnest(rows)
        ) as outcome (outcome, delay_ms, error, reason, blocks, row)
        where job.ctid = outcome.row and outcome.outcome <> 'passed'
        returning job.id, job.name, job.singleton_key, job.data, job.output, outcome.outcome, outcome.reason, outcome.blocks
      ), letters as (
        insert into "postbus".dead_letter as letter (
          delivery_id, queue, handler, event_id, event_type, partition_key, reason, attempts, blocks_key, died_at
        )
        select changed.id, changed.name, coalesce(changed.data ->> 'handler', ''), event.id,
          coalesce(event.type, changed.data ->> 'type'), event.partition_key, changed.reason,
          coalesce(changed.output, '[]'), changed.blocks, (clock_timestamp() + ("pgboss".job_now() - now()))
        from changed
        left join lateral (
          select event.id, event.type, event.partition_key from "postbus".event event
          where event.seq = "postbus".seq_of_delivery(changed.id) offset 0
        ) event on true
        where changed.outcome = 'dead'
        on conflict (delivery_id) do update set
          reason = excluded.reason, attempts = excluded.attempts, blocks_key = excluded.blocks_key,
          died_at = excluded.died_at, dismissed_at = null
      ), ended as (
        select changed.id, changed.singleton_key from changed union all select gone.id, gone.singleton_key from gone
      )
      select array_agg(ended.id), array_agg(ended.singleton_key) into left_ids, left_lanes from ended;
    end;
  end if;
  if exists (select from "postbus".watch) then
    perform pg_notify('postbus_postbus_end', case when count(*) > 300 then '*' else string_agg(ended.seq::text, ' ') end)
    from (select distinct "postbus".seq_of_delivery(one.id) as seq from unnest(ours || others_ended || left_ids) as one (id)) ended
    where exists (select from "postbus".watch watch where watch.seq = ended.seq)
    having count(*) > 0;
  end if;
  if exists (select from "postbus".finish) then
    perform "postbus".finish(array(select distinct "postbus".seq_of_delivery(one.id) from unnest(ours || others_ended || left_ids) as one (id)));
  end if;
  select left_ids || array_agg(run.id), left_lanes || array_agg(run.lane) into left_ids, left_lanes
  from unnest(ours, lanes, claimed_on, targets, last_known, room) as run (id, lane, claimed_on, target, known, more) where run.target is null;

  perform from "postbus".pause limit 1;
  has_pauses := found;
  if has_pauses then
    select coalesce(bool_or(paused.kind = 'queue'), false), array_agg(paused.name) filter (where paused.kind = 'handler'),
      array_agg(paused.name) filter (where paused.kind = 'handler' and not paused.holds), coalesce(bool_or(paused.kind = 'lane'), false)
    into is_queue_paused, paused_handlers, probed_handlers, has_paused_lanes
    from (
      (select one.kind, one.name, one.until > clock_timestamp() as holds from "postbus".pause one where one.kind = 'handler')
      union all
      (select one.kind, one.name, true from "postbus".pause one
      where one.kind = 'queue' and one.name = regexp_replace(of_queue, '_partitioned$', '') and one.until > clock_timestamp())
      union all
      (select one.kind, one.name, true from "postbus".pause one where one.kind = 'lane' limit 1)
    ) paused;
  end if;
  select
    array_agg(case when head.state < 'active' and head.start_after <= (clock_timestamp() + ("pgboss".job_now() - now())) and not (ended.id = any(ends_run) or head.was_lost) and not (has_pauses and (is_queue_paused or coalesce(split_part(ended.lane, ':', 1) = any(paused_handlers), false)
      or has_paused_lanes and exists (select from "postbus".pause one where one.kind = 'lane' and one.name = ended.lane and one.until > clock_timestamp()))) then head.row end),
    array_remove(array_agg(case when head.blocked and not (head.state < 'active' and head.start_after <= (clock_timestamp() + ("pgboss".job_now() - now())) and not (ended.id = any(ends_run) or head.was_lost) and not (has_pauses and (is_queue_paused or coalesce(split_part(ended.lane, ':', 1) = any(paused_handlers), false)
      or has_paused_lanes and exists (select from "postbus".pause one where one.kind = 'lane' and one.name = ended.lane and one.until > clock_timestamp())))) then head.row end), null),
    coalesce(bool_or(head.state < 'active' and head.start_after <= (clock_timestamp() + ("pgboss".job_now() - now())) and (ended.id = any(ends_run) or head.was_lost)), false)
  into taken, promoted, more
  from unnest(left_ids, left_lanes) as ended (id, lane)
  left join lateral (
    select job.ctid as row, job.state, job.blocked, job.start_after, coalesce(job.output -> -1 ? 'lost', false) as was_lost from "pgboss".job_common job
      where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key = ended.lane and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000
      order by job.id limit 1 for update
  ) head on true;

  if promoted <> '{}' then
    update "pgboss".job_common job set blocked = false, state = 'retry', start_after = greatest(job.start_after, (clock_timestamp() + ("pgboss".job_now() - now())))
     where job.ctid = any(promoted);
  end if;

  if array_remove(room, null) <> '{}' then
    return query
      with run as materialized (
        select run.*, head.id is distinct from run.target or (has_pauses and (is_queue_paused or coalesce(split_part(run.lane, ':', 1) = any(paused_handlers), false)
      or has_paused_lanes and exists (select from "postbus".pause one where one.kind = 'lane' and one.name = run.lane and one.until > clock_timestamp()))) as cut from unnest(ours, lanes, claimed_on, targets, last_known, room) as run (id, lane, claimed_on, target, known, more)
        left join lateral (select job.id from "pgboss".job_common job
      where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key = run.lane and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000
      order by job.id limit 1) head on true
        where run.more is not null
      ), activated as (
        select run.id as settled, run.cut, null::uuid as id, null::text as handler, null::bigint as claim, null::integer as attempt,
          null::text as replay, null::jsonb as awaited
        from run
        union all
        select run.id, run.cut, follower.id, split_part(run.lane, ':', 1), null, 1, follower.replay, null
        from run cross join lateral (
          select follower.id, follower.replay from (
        select job.id, (job.data ->> 'replay') as replay, bool_and(job.state = 'created' and job.started_on is null and job.start_after <= (clock_timestamp() + ("pgboss".job_now() - now()))
    and job.group_tier is distinct from 'set aside' and not job.data ? 'bytes') over (order by job.id) as is_ready from (
          select * from "pgboss".job_common job
          where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key = run.lane and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000 and job.id > run.known
          order by job.id limit run.more
        ) job
      ) follower where follower.is_ready
        ) follower
        where not run.cut
      )
      select activated.settled, more, activated.cut, activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, event.rest from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, case when shadows is not null and activated.handler = any(shadows) then null else case when pg_column_size(event.payload) > 1048576 and octet_length(event.payload::text) > 67108864
          then '' else event.payload::text end end as payload, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at,
        case when event.expires_at is not null and event.expires_at <= (clock_timestamp() + ("pgboss".job_now() - now()))
          then (coalesce(case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end, '{}')::jsonb || '{"is_expired": true}')::text else case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end end as rest
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true;
  end if;
  if left_ids is null then return; end if;

  if array_remove(taken, null) <> '{}' then
    return query
      with head as (
      update "pgboss".job_common job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = (clock_timestamp() + ("pgboss".job_now() - now())),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end,
        retry_limit = job.retry_limit
          + case when job.heartbeat_on is not null and job.output #>> '{-1,begun}' = 'false' then 1 else 0 end
      from unnest(taken) with ordinality as chosen (row, ord)
      where job.ctid = chosen.row
      returning chosen.ord, job.priority, job.created_on, job.id, job.singleton_key as lane, (job.data ->> 'handler') as handler, (job.data ->> 'replay') as replay, (job.data -> 'awaiting') as awaited,
        (job.retry_count * 60000000::bigint + date_part('microseconds', job.started_on)::bigint) as claim, (job.retry_count - (job.retry_limit - 1000000) + 1) + case when job.output #>> '{-1,lost}' ~ '^\d{1,6}$' then (job.output #>> '{-1,lost}')::integer else 0 end as attempt, coalesce(job.output -> -1 ? 'lost', false) as was_lost
    ), activated as (
      select head.ord, head.id as head, head.id, head.handler, head.claim, head.attempt, head.replay, head.awaited from head
      union all
      select head.ord, head.id, follower.id, head.handler, null, 1, follower.replay, null from head
      cross join lateral (
        select follower.id, follower.replay from (
        select job.id, (job.data ->> 'replay') as replay, bool_and(job.state = 'created' and job.started_on is null and job.start_after <= (clock_timestamp() + ("pgboss".job_now() - now()))
    and job.group_tier is distinct from 'set aside' and not job.data ? 'bytes') over (order by job.id) as is_ready from (
          select * from "pgboss".job_common job
          where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key = head.lane and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000 and job.id > head.id
          order by job.id limit behind
        ) job
      ) follower where follower.is_ready
      ) follower
      where behind > 0 and head.claim < 60000000
    )
      select left_ids[activated.ord], more, false, activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, event.rest from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, case when shadows is not null and activated.handler = any(shadows) then null else case when pg_column_size(event.payload) > 1048576 and octet_length(event.payload::text) > 67108864
          then '' else event.payload::text end end as payload, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at,
        case when event.expires_at is not null and event.expires_at <= (clock_timestamp() + ("pgboss".job_now() - now()))
          then (coalesce(case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end, '{}')::jsonb || '{"is_expired": true}')::text else case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or activated.replay is not null or activated.awaited is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', activated.replay, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', activated.awaited)::text end end as rest
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true
      order by activated.ord, activated.id;
  end if;
  return query
    select ended.id, more, false, null::uuid, null::text, null::bigint, null::integer, null::bigint, null::uuid, null::text,
    null::integer, null::text, null::text, null::text, null::text, null::text, null::text, null::timestamptz,
    null::timestamptz, null::text from unnest(left_ids, taken) as ended (id, taken) where ended.taken is null;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.skip_head(of_queue text, lane text, because text)
 RETURNS uuid
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  head record;
begin
  select into head job.ctid as row, job.id, job.state from "pgboss".job_common job
      where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key = lane and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000
      order by job.id limit 1 for update;
  if head.row is null or head.state = 'active' then return null; end if;

  update "pgboss".job_common job set state = 'failed', blocked = false, completed_on = (clock_timestamp() + ("pgboss".job_now() - now())), heartbeat_on = null
  where job.ctid = head.row;
  insert into "postbus".dead_letter as letter (
    delivery_id, queue, handler, event_id, event_type, partition_key, reason, attempts, died_at, dismissed_at
  )
  select job.id, job.name, coalesce(job.data ->> 'handler', ''), event.id, coalesce(event.type, job.data ->> 'type'),
    event.partition_key, because, case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end, (clock_timestamp() + ("pgboss".job_now() - now())), null
  from (select job.* from "pgboss".job_common job where job.name = of_queue and job.id = head.id) job
  left join lateral (
    select * from "postbus".event event where event.seq = "postbus".seq_of_delivery(job.id) offset 0
  ) event on true
  on conflict (delivery_id) do update set blocks_key = false, dismissed_at = null;
  perform "postbus".promote(of_queue, array[lane]);
  perform pg_notify('postbus_postbus', of_queue);
  return head.id;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.supersede(of_queue text, of_id uuid)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  this record;
  newest record;
  ours uuid[];
  turn smallint;
begin
  select job.singleton_key as lane, job.data ->> 'type' as type into this from (
    select * from "pgboss".job_common job where job.name = of_queue and job.id = of_id and job.state = 'active'
  ) job;
  if this.lane is null then return null; end if;
  select recent.id, recent.event into newest from (
    select job.id, job.data ->> 'event' as event, job.data ->> 'type' as type from "pgboss".job_common job
    where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key = this.lane and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000 and job.id > of_id order by job.id desc limit 1000
  ) recent where recent.type = this.type limit 1;
  if newest.id is null then return null; end if;

  select one.number into turn from "postbus".history_turn one where one.only_one;
  with older as materialized (
    select job.ctid as row from "pgboss".job_common job
    where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key = this.lane and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000 and job.id > of_id and job.id < newest.id and job.data ->> 'type' = this.type and job.state::text in ('created', 'retry')
    order by job.id limit 2000 for update skip locked
  ), gone as (
    delete from "pgboss".job_common job where job.ctid = any(array(select older.row from older))
    returning job.id, (clock_timestamp() + ("pgboss".job_now() - now())) as started_on, (job.data ->> 'handler') as handler, case when job.started_on is null then 1 else (job.retry_count - (job.retry_limit - 1000000) + 1) + 1 end as attempts, job.output
  ), kept as (
      insert into "postbus".history (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
      select "postbus".seq_of_delivery(gone.id), (clock_timestamp() + ("pgboss".job_now() - now())),
        least(extract(epoch from (clock_timestamp() + ("pgboss".job_now() - now())) - gone.started_on) * 1000, 2147483647)::integer,
        turn, coalesce((select one.number from "postbus".handler one where one.name = gone.handler), "postbus".handler_number(gone.handler)),
        nullif((gone.attempts - case when 'superseded' in ('expired', 'cancelled', 'superseded') then 1 else 0 end), 1),
        'superseded',
        jsonb_strip_nulls(coalesce(case when gone.output is not null then jsonb_build_object('errors', case when jsonb_typeof(gone.output) = 'array' then gone.output else '[]' end) end, '{}') || jsonb_build_object('reason', format('Event %s is newer.', newest.event)))
      from gone
    )
  select array_agg(gone.id) into ours from gone;
  if ours is not null then
    if exists (select from "postbus".watch) then
    perform pg_notify('postbus_postbus_end', case when count(*) > 300 then '*' else string_agg(ended.seq::text, ' ') end)
    from (select distinct "postbus".seq_of_delivery(one.id) as seq from unnest(ours) as one (id)) ended
    where exists (select from "postbus".watch watch where watch.seq = ended.seq)
    having count(*) > 0;
  end if;
    if exists (select from "postbus".finish) then
    perform "postbus".finish(array(select distinct "postbus".seq_of_delivery(one.id) from unnest(ours) as one (id)));
  end if;
  end if;
  return newest.event;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.sweep(visits integer, every_seconds double precision)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  began timestamptz;
  place record;
  visited integer;
  last_queue integer;
  last_lane text;
  ids uuid[];
  names text[];
  orphans tid[];
  one text;
begin
  update "postbus".lane_sweep sweep set swept_at = clock_timestamp()
  where sweep.only_one and (every_seconds = 0 or sweep.swept_at <= clock_timestamp() - every_seconds * interval '1 s')
  returning sweep.after_queue, sweep.after_lane into place;
  if not found then return 0; end if;
  began := clock_timestamp();

  with recursive head as (
    (
      select job.name, hashtext(job.name) as queue, job.singleton_key, job.id, job.state, job.blocked from "pgboss".job_common job
      where (hashtext(job.name), job.singleton_key) > (place.after_queue, place.after_lane) and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000
      order by hashtext(job.name), job.singleton_key, job.id limit 1
    )
    union all
    select following.* from head cross join lateral (
      select job.name, hashtext(job.name) as queue, job.singleton_key, job.id, job.state, job.blocked from "pgboss".job_common job
      where (hashtext(job.name), job.singleton_key) > (head.queue, head.singleton_key) and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000
      order by hashtext(job.name), job.singleton_key, job.id limit 1
    ) following
  ), visited as materialized (
    select * from head limit visits
  )
  select count(*), (array_agg(visited.queue))[count(*)], (array_agg(visited.singleton_key))[count(*)],
    array_agg(visited.id) filter (where visited.blocked and visited.state < 'active' and running.id is null),
    array_agg(visited.name) filter (where visited.blocked and visited.state < 'active' and running.id is null)
  into visited, last_queue, last_lane, ids, names
  from visited
  left join lateral (select job.id from "pgboss".job_common job
      where job.name = visited.name and job.state = 'active' and job.policy = 'singleton'
        and coalesce(job.singleton_key, '') >= visited.singleton_key and coalesce(job.singleton_key, '') <= visited.singleton_key
      order by job.name, coalesce(job.singleton_key, '') limit 1
  ) running on true;
  update "postbus".lane_sweep sweep set
    after_queue = case when visited < visits then -2147483648 else last_queue end,
    after_lane = case when visited < visits then '' else last_lane end,
    swept_at = began + least(50 * (clock_timestamp() - began), interval '1 minute')
  where sweep.only_one;

  select array_agg(orphan.row), array_agg(distinct orphan.name) into orphans, names
  from unnest(names, ids) as found (name, id)
  cross join lateral (select job.ctid as row, job.name from "pgboss".job_common job where job.name = found.name and job.id = found.id
    and job.blocked and job.group_tier is distinct from 'set aside' and not exists (select from "postbus".pause one where one.kind = 'lane' and one.name = job.singleton_key and one.until > clock_timestamp())
    for update skip locked
  ) orphan;
  if orphans is null then return 0; end if;
  update "pgboss".job_common job set blocked = false, state = 'retry', start_after = greatest(job.start_after, (clock_timestamp() + ("pgboss".job_now() - now())))
    from unnest(orphans) as orphan (row) where job.ctid = orphan.row;
  foreach one in array names loop
    perform pg_notify('postbus_postbus', one);
  end loop;
  return cardinality(orphans);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.turn_history(retention interval)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  current record;
  following smallint;
  old record;
  moved bigint[];
begin
  select * into current from "postbus".history_turn one where one.only_one for update skip locked;
  if not found then return; end if;

  if current.began_at <= (clock_timestamp() + ("pgboss".job_now() - now())) - greatest(retention / 12, interval '1000 ms') then
    following := (current.number + 1) % 16;
    update "postbus".history_table one set ended_at = null where one.number = following and one.is_empty;
    if found then
      update "postbus".history_table one set is_empty = false, ended_at = (clock_timestamp() + ("pgboss".job_now() - now())), last_seq = (select last_value from "postbus".event_seq_seq)
      where one.number = current.number;
      update "postbus".history_turn one set number = following, began_at = (clock_timestamp() + ("pgboss".job_now() - now())) where one.only_one;
      current.number := following;
    end if;
  end if;

  select * into old from "postbus".history_table one where not one.is_empty and one.number <> current.number
    and one.ended_at < (clock_timestamp() + ("pgboss".job_now() - now())) - greatest(retention, interval '1 minute')
    and not exists (
      select from "postbus".event event
      where event.seq > (select place.after_seq from "postbus".pruning place where place.only_one) and event.seq <= one.last_seq
      order by event.seq limit 1
    )
  order by one.number limit 1;
  if not found then return; end if;

  select array_agg(kept.seq) into moved from (
    select event.seq from "postbus".event event
    where event.seq > old.moved_to and event.seq <= old.last_seq order by event.seq limit 5000
  ) kept;
  if moved is not null then
    insert into "postbus".history (seq, ended_at, took_ms, turn, handler, attempts, outcome, detail)
    select kept.seq, kept.ended_at, kept.took_ms, current.number, kept.handler, kept.attempts, kept.outcome, kept.detail
    from unnest(moved) as one (seq) cross join lateral (
      select done.* from "postbus".history done where done.seq = one.seq and done.turn = old.number offset 0
    ) kept;
    delete from "postbus".history done where done.turn = old.number and done.seq = any(moved);
    update "postbus".history_table one set moved_to = moved[cardinality(moved)] where one.number = old.number;
    return;
  end if;

  begin
    perform set_config('lock_timeout', '100ms', true);
    execute format('truncate "postbus".history_%s', old.number);
    update "postbus".history_table one set is_empty = true, ended_at = null, last_seq = 0, moved_to = 0 where one.number = old.number;
  exception when lock_not_available then null;
  end;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.wake(queues text)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  named text;
  untold text;
begin
  foreach named in array string_to_array(queues, ' ') loop
    if not pg_try_advisory_xact_lock_shared(hashtextextended('postbus coming postbus ' || named, 0))
      or pg_try_advisory_xact_lock(hashtextextended('postbus notifying postbus ' || named, 0))
    then untold := concat_ws(' ', untold, named); end if;
  end loop;
  if untold is not null then
    perform pg_notify('postbus_postbus', case when length(untold) > 7000 then '*' else untold end);
  end if;
  return untold;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.walk(of_queue text, after text, visits integer)
 RETURNS TABLE(lane text, id uuid, idle boolean, blocked boolean)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_sort TO 'off'
 SET enable_incremental_sort TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
begin
  return query
    with recursive head as (
      (
      select job.id, job.singleton_key, job.state, job.blocked from "pgboss".job_common job
      where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key > after and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000
      order by hashtext(job.name), job.singleton_key, job.id limit 1
    )
      union all
      select following.* from head cross join lateral (
      select job.id, job.singleton_key, job.state, job.blocked from "pgboss".job_common job
      where hashtext(job.name) = hashtext(of_queue) and job.name || '' = of_queue and job.singleton_key > head.singleton_key and job.state < 'completed' and job.singleton_key is not null and job.retry_limit >= 1000000
      order by hashtext(job.name), job.singleton_key, job.id limit 1
    ) following
    ), visited as materialized (
      select * from head limit visits
    )
    select visited.singleton_key, visited.id, visited.state < 'active' and running.id is null, visited.blocked
    from visited
    left join lateral (select job.id from "pgboss".job_common job
      where job.name = of_queue and job.state = 'active' and job.policy = 'singleton'
        and coalesce(job.singleton_key, '') >= visited.singleton_key and coalesce(job.singleton_key, '') <= visited.singleton_key
      order by job.name, coalesce(job.singleton_key, '') limit 1
    ) running on true;
end
$function$
;

CREATE INDEX postbus_active ON pgboss.job_common USING btree (heartbeat_on) WHERE ((state = 'active'::pgboss.job_state) AND (retry_limit >= 1000000));

CREATE INDEX postbus_fresh ON pgboss.job_common USING btree (name, priority DESC, created_on) WHERE ((state = 'created'::pgboss.job_state) AND ((blocked)::integer = 0) AND (retry_limit >= 1000000));

CREATE INDEX postbus_lane ON pgboss.job_common USING btree (hashtext(name), singleton_key, id) WHERE ((state < 'completed'::pgboss.job_state) AND (singleton_key IS NOT NULL) AND (retry_limit >= 1000000));

CREATE INDEX postbus_returning ON pgboss.job_common USING btree (name, priority DESC, start_after) WHERE ((state = 'retry'::pgboss.job_state) AND ((blocked)::integer = 0) AND (retry_limit >= 1000000));

CREATE INDEX postbus_set_aside ON pgboss.job_common USING btree (name, ((data ->> 'handler'::text)), priority DESC, created_on) WHERE (blocked AND (group_tier = 'set aside'::text) AND (state < 'active'::pgboss.job_state));
