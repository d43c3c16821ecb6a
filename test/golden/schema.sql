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

create table postbus.lane_sweep (
  queue text not null,
  after_lane text not null default ''::text,
  swept_at timestamp with time zone not null default now()
);

create table postbus.migration (
  name character varying(255) not null,
  "timestamp" character varying(255) not null
);

create table postbus.migration_lock (
  id character varying(255) not null,
  is_locked integer not null default 0
);

create table postbus.pruning (
  only_one boolean not null default true,
  after_seq bigint not null default 0,
  pruned_at timestamp with time zone not null default now(),
  began_at timestamp with time zone not null default now()
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

alter table postbus.lane_sweep add constraint lane_sweep_pkey PRIMARY KEY (queue);

alter table postbus.migration add constraint migration_pkey PRIMARY KEY (name);

alter table postbus.migration_lock add constraint migration_lock_pkey PRIMARY KEY (id);

alter table postbus.pruning add constraint pruning_only_one_check CHECK (only_one);

alter table postbus.pruning add constraint pruning_pkey PRIMARY KEY (only_one);

alter table postbus.worker add constraint worker_pkey PRIMARY KEY (id);

CREATE INDEX dead_letter_open ON postbus.dead_letter USING btree (died_at, delivery_id) WHERE (discarded_at IS NULL);

CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON postbus.event DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((current_setting('postbus.published_by'::text, true) = 'now'::text)) EXECUTE FUNCTION postbus.at_commit();

CREATE OR REPLACE FUNCTION postbus.at_commit()
 RETURNS trigger
 LANGUAGE plpgsql
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
            done := "postbus".wake(queues);
            done := set_config('postbus.wake', '', true);
          end if;
          return null;
        end
        $function$
;

CREATE OR REPLACE FUNCTION postbus.claim_58ca598398b11ddf(wanted integer, limits jsonb)
 RETURNS TABLE(id uuid, handler text, claim double precision, attempt integer, seq bigint, event_id uuid, type text, version integer, partition_key text, payload text, correlation_id text, causation_id text, source text, metadata text, occurred_at timestamp with time zone, expires_at timestamp with time zone, more boolean, held_back text[], coming boolean)
 LANGUAGE plpgsql
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
  candidates tid[];
  names text[];
  coming boolean := case when pg_try_advisory_lock(hashtextextended('postbus coming postbus events', 0)) then not pg_advisory_unlock(hashtextextended('postbus coming postbus events', 0)) else true end;
  handlers text[];
  free integer[];
  full_up text[];
  passed_over boolean;
  one record;
  place integer;
  chosen tid[];
  aside tid[];
begin
  if limits is not null then
    if jsonb_path_exists(limits, '$[*].cluster ? (@ != null)') then
      perform pg_advisory_xact_lock(hashtextextended('postbus limits pgboss events', 0));
    end if;
    select array_agg(limited.handler), array_agg(greatest(0, least(limited.free, limited.cluster - active.count, wanted)))
    into handlers, free
    from jsonb_to_recordset(limits) as limited (handler text, free integer, cluster integer)
    left join lateral (
      select count(*)::integer as count from (
        (select from "pgboss".job job
          where job.name = 'events' and job.state = 'active' 
            and (job.data ->> 'handler') = limited.handler and limited.cluster is not null order by job.heartbeat_on limit limited.cluster)
        union all
        (select from "pgboss".job job
          where job.name = 'events_partitioned' and job.state = 'active' and job.policy = 'singleton'
            and (job.data ->> 'handler') = limited.handler and limited.cluster is not null
          order by job.name, coalesce(job.singleton_key, '') limit limited.cluster)
      ) of_handler
    ) active on limited.cluster is not null;
  end if;
  perform from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' order by (job.data ->> 'handler') limit 1;
  if found then
    chosen := null;
    for one in select * from "postbus"."set_aside_58ca598398b11ddf"(wanted, handlers, free, true) loop
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
    if chosen is not null then
      return query
        with activated as (
      update "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = "pgboss".job_now(),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end
      
      where job.ctid = any(chosen)
      returning job.priority, job.created_on, job.id, job.data ->> 'handler' as handler, (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) as claim,
        job.retry_count - (job.retry_limit - 1000000) + 1 as attempt
    )
        select activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, null::boolean, null::text[], null::boolean from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, event.payload::text, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true order by activated.priority desc, activated.created_on, activated.id;
      wanted := wanted - cardinality(chosen);
    end if;
  end if;

  if handlers is null and wanted > 0 then
    select array_agg(candidate.row) into chosen from (
      select job.ctid as row from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job
      where job.name = 'events' and job.state < 'active' and not job.blocked and job.start_after <= "pgboss".job_now()
      order by job.name, job.priority desc, job.created_on
      limit wanted
      for update skip locked
    ) candidate;
    if chosen is not null then
      return query
        with activated as (
      update "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = "pgboss".job_now(),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end
      
      where job.ctid = any(chosen)
      returning job.priority, job.created_on, job.id, job.data ->> 'handler' as handler, (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) as claim,
        job.retry_count - (job.retry_limit - 1000000) + 1 as attempt
    )
        select activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, null::boolean, null::text[], null::boolean from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, event.payload::text, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true order by activated.priority desc, activated.created_on, activated.id;
      wanted := wanted - cardinality(chosen);
    end if;
  end if;
  while handlers is not null and wanted > 0 and looked < 200 loop
    select array_agg(candidate.row), array_agg(candidate.handler) into candidates, names
    from (
      select job.ctid as row, job.data ->> 'handler' as handler from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job
      where job.name = 'events' and job.state < 'active' and not job.blocked and job.start_after <= "pgboss".job_now()
      order by job.name, job.priority desc, job.created_on
      limit wanted
      for update skip locked
    ) candidate;
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
      update "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job set blocked = true, group_tier = 'set aside' from unnest(aside) as late (row)
      where job.ctid = late.row;
    end if;
    looked := case when aside is not null and cardinality(candidates) = wanted then looked + cardinality(candidates) end;
    if chosen is not null then
      return query
        with activated as (
      update "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = "pgboss".job_now(),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end
      
      where job.ctid = any(chosen)
      returning job.priority, job.created_on, job.id, job.data ->> 'handler' as handler, (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) as claim,
        job.retry_count - (job.retry_limit - 1000000) + 1 as attempt
    )
        select activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, null::boolean, null::text[], null::boolean from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, event.payload::text, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true order by activated.priority desc, activated.created_on, activated.id;
      wanted := wanted - cardinality(chosen);
    end if;
  end loop;

  if passed_over and wanted > 0 then
    chosen := null;
    for one in select * from "postbus"."set_aside_58ca598398b11ddf"(wanted, handlers, free, false) loop
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
    if chosen is not null then
      return query
        with activated as (
      update "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = "pgboss".job_now(),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end
      
      where job.ctid = any(chosen)
      returning job.priority, job.created_on, job.id, job.data ->> 'handler' as handler, (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) as claim,
        job.retry_count - (job.retry_limit - 1000000) + 1 as attempt
    )
        select activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, null::boolean, null::text[], null::boolean from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, event.payload::text, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true order by activated.priority desc, activated.created_on, activated.id;
      wanted := wanted - cardinality(chosen);
    end if;
  end if;
  if looked >= 200 or full_up is not null or coming and wanted > 0 then
    return query select null::uuid, null::text, null::float8, null::integer, null::bigint, null::uuid, null::text,
    null::integer, null::text, null::text, null::text, null::text, null::text, null::text, null::timestamptz,
    null::timestamptz, looked >= 200, full_up, coming;
  end if;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.claim_81bfe57c43c70303(wanted integer, walk_from text, limits jsonb)
 RETURNS TABLE(id uuid, handler text, claim double precision, attempt integer, seq bigint, event_id uuid, type text, version integer, partition_key text, payload text, correlation_id text, causation_id text, source text, metadata text, occurred_at timestamp with time zone, expires_at timestamp with time zone, more boolean, held_back text[], coming boolean, walk_on text)
 LANGUAGE plpgsql
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
  candidates tid[];
  ids uuid[];
  lanes text[];
  heads tid[];
  parked integer;
  visited integer;
  more boolean := false;
  is_long boolean := false;
  coming boolean := case when pg_try_advisory_lock(hashtextextended('postbus coming postbus events_partitioned', 0)) then not pg_advisory_unlock(hashtextextended('postbus coming postbus events_partitioned', 0)) else true end;
  handlers text[];
  free integer[];
  full_up text[];
  passed_over boolean;
  one record;
  place integer;
  chosen tid[];
  aside tid[];
begin
  perform pg_advisory_xact_lock(hashtextextended('postbus claim pgboss events_partitioned', 0));
  if limits is not null then
    if jsonb_path_exists(limits, '$[*].cluster ? (@ != null)') then
      perform pg_advisory_xact_lock(hashtextextended('postbus limits pgboss events', 0));
    end if;
    select array_agg(limited.handler), array_agg(greatest(0, least(limited.free, limited.cluster - active.count, wanted)))
    into handlers, free
    from jsonb_to_recordset(limits) as limited (handler text, free integer, cluster integer)
    left join lateral (
      select count(*)::integer as count from (
        (select from "pgboss".job job
          where job.name = 'events' and job.state = 'active' 
            and (job.data ->> 'handler') = limited.handler and limited.cluster is not null order by job.heartbeat_on limit limited.cluster)
        union all
        (select from "pgboss".job job
          where job.name = 'events_partitioned' and job.state = 'active' and job.policy = 'singleton'
            and (job.data ->> 'handler') = limited.handler and limited.cluster is not null
          order by job.name, coalesce(job.singleton_key, '') limit limited.cluster)
      ) of_handler
    ) active on limited.cluster is not null;
  end if;
  perform from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' order by (job.data ->> 'handler') limit 1;
  source := case when found then 'set aside' else 'front' end;

  while source is not null and wanted > 0 loop
    if source = 'front' then
      -- A claim that had to walk found one busy lane's backlog at the front. That takes its turn a little at a time.
      look := case when walk_from <> '' and looked = 0 then 10 else greatest(wanted, 10) end;
      select array_agg(candidate.row), array_agg(candidate.id), array_agg(candidate.singleton_key)
      into candidates, ids, lanes
      from (
        select job.ctid as row, job.id, job.singleton_key from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job
        where job.name = 'events_partitioned' and job.state < 'active' and not job.blocked and job.start_after <= "pgboss".job_now()
          and job.singleton_key is not null
        order by job.name, job.priority desc, job.created_on
        limit look
        for update skip locked
      ) candidate;
      looked := looked + coalesce(cardinality(candidates), 0);
      is_long := coalesce(cardinality(candidates) = look, false);
    else
      select array_agg(share.row) filter (where share.row is not null), array_agg(share.id) filter (where share.row is not null),
        array_agg(share.lane) filter (where share.row is not null), array_agg(share.handler) filter (where share.held_back),
        source = 'set aside' and bool_or(share.passed_over)
      into candidates, ids, lanes, full_up, passed_over
      from "postbus"."set_aside_81bfe57c43c70303"(wanted, handlers, free, source = 'set aside') share;
    end if;

    chosen := null;
    aside := null;
    if candidates is not null then
      with judged as materialized (
        select candidate.row, candidate.lane, coalesce(older.id, running.id) as blocker
        from unnest(candidates, ids, lanes) as candidate (row, id, lane)
        left join lateral (select job.id from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job
      where job.singleton_key = candidate.lane and job.state < 'completed'
      order by job.id limit 1
        ) older on older.id < candidate.id
        left join lateral (select job.id, coalesce(job.singleton_key, '') as lane from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job
      where job.name = 'events_partitioned' and job.state = 'active' and job.policy = 'singleton'
        and coalesce(job.singleton_key, '') >= candidate.lane
      order by job.name, coalesce(job.singleton_key, '') limit 1
        ) running on running.lane = candidate.lane
      ), waiting as materialized (
        select judged.row from judged cross join lateral (
          select 1 from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.name = 'events_partitioned' and job.id = judged.blocker and job.state::text in ('created', 'retry', 'active') for share skip locked
        ) held
      ), parked as (
        update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set blocked = true, group_tier = null from waiting where job.ctid = waiting.row returning 1
      )
      select array_agg(judged.row) filter (where judged.blocker is null),
        array_agg(judged.lane) filter (where judged.blocker is null), (select count(*) from parked)
      into heads, lanes, parked from judged;
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
      update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set blocked = true, group_tier = 'set aside' from unnest(aside) as late (row)
      where job.ctid = late.row;
    end if;
      -- Candidates that could be neither claimed nor put away are not looked at again at once: someone holds what they wait for.
      if source = 'front' then
        more := cardinality(heads) > coalesce(cardinality(chosen), 0) + coalesce(cardinality(aside), 0)
          or is_long and (heads is not null or parked > 0);
      end if;
      if chosen <> '{}' then
      return query
        with activated as (
      update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = "pgboss".job_now(),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end
      
      where job.ctid = any(chosen)
      returning job.priority, job.created_on, job.id, job.data ->> 'handler' as handler, (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) as claim,
        job.retry_count - (job.retry_limit - 1000000) + 1 as attempt
    )
        select activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, null::boolean, null::text[], null::boolean, null::text from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, event.payload::text, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true order by activated.priority desc, activated.created_on, activated.id;
      wanted := wanted - cardinality(chosen);
    end if;
    end if;
    source := case
      when source = 'set aside' then 'front'
      when source = 'front' and is_long and looked < 200 and (aside is not null or looked < wanted and chosen is not null)
        then 'front'
      when source = 'front' and passed_over then 'passed over' end;
  end loop;
  more := coalesce(more or wanted = 0 and source = 'front', false);

  for walks in 1 .. case when is_long then 4 else 0 end loop
    exit when wanted = 0;
    look := wanted + 10;
    select array_agg(head.row) filter (where head.row is not null),
      array_agg(walked.lane) filter (where head.row is not null), max(walked.lane), count(*)
    into heads, lanes, walk_from, visited
    from "postbus"."walk_81bfe57c43c70303"(walk_from, look) walked
    left join lateral (
      select job.ctid as row from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.name = 'events_partitioned' and job.id = walked.id and job.state::text in ('created', 'retry')
        and job.start_after <= "pgboss".job_now()
      for update skip locked
    ) head on walked.idle;
    chosen := null;
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
        with activated as (
      update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = "pgboss".job_now(),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end
      
      where job.ctid = any(chosen)
      returning job.priority, job.created_on, job.id, job.data ->> 'handler' as handler, (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) as claim,
        job.retry_count - (job.retry_limit - 1000000) + 1 as attempt
    )
        select activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, null::boolean, null::text[], null::boolean, null::text from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, event.payload::text, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true order by activated.priority desc, activated.created_on, activated.id;
      wanted := wanted - cardinality(chosen);
    end if;
    if visited < look then
      walk_from := '';
      exit;
    end if;
  end loop;
  -- Unless it has come to the last lane, and had a slot for each that was idle.
  more := more or is_long and (wanted = 0 or walk_from <> '');

  return query select null::uuid, null::text, null::float8, null::integer, null::bigint, null::uuid, null::text,
    null::integer, null::text, null::text, null::text, null::text, null::text, null::text, null::timestamptz,
    null::timestamptz, more, full_up, coming, walk_from;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.ended_58ca598398b11ddf(firsts uuid[], lasts uuid[], before timestamp with time zone)
 RETURNS boolean[]
 LANGUAGE plpgsql
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
  locked integer[];
begin
  select array_agg(ended.count) into locked from unnest(firsts, lasts) as old (first, last) cross join lateral (
    select count(*) from (
      select from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job where job.name = 'events' and job.id >= old.first and job.id <= old.last
        and (job.state::text in ('completed', 'cancelled') or job.state::text = 'failed' and exists (
            select from "postbus".dead_letter letter where letter.delivery_id = job.id and letter.discarded_at < before
          ))
        and greatest(job.created_on, job.started_on, job.completed_on) < before
      for update skip locked
    ) job
  ) ended;
  -- Counted in a later statement than they were locked: what is there now, and was not locked, keeps its event.
  return array(
    select old.locked = (select count(*) from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job where job.name = 'events' and job.id >= old.first and job.id <= old.last)
    from unnest(firsts, lasts, locked) as old (first, last, locked)
  );
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.ended_81bfe57c43c70303(firsts uuid[], lasts uuid[], before timestamp with time zone)
 RETURNS boolean[]
 LANGUAGE plpgsql
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
  locked integer[];
begin
  select array_agg(ended.count) into locked from unnest(firsts, lasts) as old (first, last) cross join lateral (
    select count(*) from (
      select from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.name = 'events_partitioned' and job.id >= old.first and job.id <= old.last
        and (job.state::text in ('completed', 'cancelled') or job.state::text = 'failed' and exists (
            select from "postbus".dead_letter letter where letter.delivery_id = job.id and letter.discarded_at < before
          ))
        and greatest(job.created_on, job.started_on, job.completed_on) < before
      for update skip locked
    ) job
  ) ended;
  -- Counted in a later statement than they were locked: what is there now, and was not locked, keeps its event.
  return array(
    select old.locked = (select count(*) from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.name = 'events_partitioned' and job.id >= old.first and job.id <= old.last)
    from unnest(firsts, lasts, locked) as old (first, last, locked)
  );
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.keep_58ca598398b11ddf(ids uuid[], claims double precision[])
 RETURNS SETOF uuid
 LANGUAGE plpgsql
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
    select job.id from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job where job.name = 'events' and job.id = mine.id and (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) = mine.claim and job.state::text = 'active' offset 0
  ) job;

  select array_agg(job.row) into kept from unnest(ours) as mine (id)
  cross join lateral (
    select job.ctid as row from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job where job.name = 'events' and job.id = mine.id and job.state::text = 'active' for no key update skip locked
  ) job;
  update "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job set heartbeat_on = "pgboss".job_now()
  from unnest(kept) as mine (row) where job.ctid = mine.row;

  return query select unnest(ours);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.keep_81bfe57c43c70303(ids uuid[], claims double precision[])
 RETURNS SETOF uuid
 LANGUAGE plpgsql
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
    select job.id from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.name = 'events_partitioned' and job.id = mine.id and (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) = mine.claim and job.state::text = 'active' offset 0
  ) job;

  select array_agg(job.row) into kept from unnest(ours) as mine (id)
  cross join lateral (
    select job.ctid as row from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.name = 'events_partitioned' and job.id = mine.id and job.state::text = 'active' for no key update skip locked
  ) job;
  update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set heartbeat_on = "pgboss".job_now()
  from unnest(kept) as mine (row) where job.ctid = mine.row;

  return query select unnest(ours);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.no_such_queue(queue text)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
        begin
          raise exception using errcode = 'PB002', message = format('Queue "%s" does not exist in this database. Run: npx postbus migrate', queue);
        end
        $function$
;

CREATE OR REPLACE FUNCTION postbus.promote_81bfe57c43c70303(lanes text[])
 RETURNS integer
 LANGUAGE plpgsql
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
  cross join lateral (select job.id from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job
      where job.singleton_key = ended.lane and job.state < 'completed'
      order by job.id limit 1
  ) head
  cross join lateral (select job.ctid as row from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.name = 'events_partitioned' and job.id = head.id and job.blocked for update
  ) parked;
  update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set blocked = false from unnest(heads) as head (row) where job.ctid = head.row;
  return coalesce(cardinality(heads), 0);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.prune(retention interval, batch integer, every interval, begin_again interval)
 RETURNS TABLE(pruned integer, more boolean)
 LANGUAGE plpgsql
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
  firsts uuid[];
  lasts uuid[];
  may_go boolean[];
  last_old bigint;
  more boolean;
  queue record;
  pruners text[] := '{}';
  pruner text;
  strangers text[] := '{}';
  locked integer[];
  rows tid[];
begin
  select * into place from "postbus".pruning where pruned_at <= clock_timestamp() - every for update skip locked;
  if not found then return; end if;
  perform set_config('synchronous_commit', 'off', true); -- what a crash brings back is pruned again

  select array_agg(walked.seq) filter (where walked.is_old), max(walked.seq) filter (where walked.is_old),
    coalesce(count(*) = batch and max(walked.seq) filter (where walked.is_old) = max(walked.seq), false)
  into seqs, last_old, more
  from (
    select event.seq, event.published_at < before as is_old from "postbus".event
    where event.seq > place.after_seq order by event.seq limit batch
  ) walked;

  select array_agg(free.seq), array_agg((lpad(to_hex(free.seq), 16, '0') || repeat('0', 16))::uuid), array_agg((lpad(to_hex(free.seq), 16, '0') || repeat('f', 16))::uuid) into seqs, firsts, lasts
  from unnest(seqs) as old (seq) cross join lateral (
    select event.seq from "postbus".event where event.seq = old.seq for update skip locked
  ) free;

  for queue in
    select name, substr(table_name, 2, 16) as suffix, substring(
      obj_description(to_regclass(format('%I.%I', 'pgboss', table_name)), 'pg_class')
      from '^deliveries of postbus schema ([a-z0-9_]+)') as used_by
    from "pgboss".queue
  loop
    if queue.used_by is null then
      strangers := strangers || queue.name;
    elsif queue.used_by = 'postbus' and seqs is not null then
      execute format('select %I.%I($1, $2, $3)', 'postbus', 'ended_' || queue.suffix)
      into may_go using firsts, lasts, before;
      
  select array_agg(old.seq), array_agg(old.first), array_agg(old.last) into seqs, firsts, lasts
  from unnest(seqs, firsts, lasts, may_go) as old (seq, first, last, may_go) where old.may_go;
      pruners := pruners || format('%I.%I', 'postbus', 'prune_' || queue.suffix);
    end if;
  end loop;

  if strangers <> '{}' and seqs is not null then
    may_go := array(select old.seq <> all (array(
      select "postbus".seq_of_delivery(job.id) from "pgboss".job
      where job.name = any(strangers) and job.id >= firsts[1] and job.id <= lasts[cardinality(lasts)]
    )) from unnest(seqs) as old (seq));
    
  select array_agg(old.seq), array_agg(old.first), array_agg(old.last) into seqs, firsts, lasts
  from unnest(seqs, firsts, lasts, may_go) as old (seq, first, last, may_go) where old.may_go;
  end if;

  select array_agg(discarded.count) into locked from unnest(firsts, lasts) as old (first, last) cross join lateral (
    select count(*) from (select from "postbus".dead_letter letter where letter.delivery_id >= old.first and letter.delivery_id <= old.last and letter.discarded_at < before for update skip locked) letter
  ) discarded;
  select array_agg(old.locked = (select count(*) from "postbus".dead_letter letter where letter.delivery_id >= old.first and letter.delivery_id <= old.last)) into may_go
  from unnest(firsts, lasts, locked) as old (first, last, locked);
  
  select array_agg(old.seq), array_agg(old.first), array_agg(old.last) into seqs, firsts, lasts
  from unnest(seqs, firsts, lasts, may_go) as old (seq, first, last, may_go) where old.may_go;

  if seqs is not null then
    foreach pruner in array pruners loop
      execute format('select %s($1, $2)', pruner) using firsts, lasts;
    end loop;
    select array_agg(letter.row) into rows from unnest(firsts, lasts) as old (first, last) cross join lateral (
      select letter.ctid as row from "postbus".dead_letter letter where letter.delivery_id >= old.first and letter.delivery_id <= old.last offset 0
    ) letter;
    delete from "postbus".dead_letter letter where letter.ctid = any(rows);
    select array_agg(event.row) into rows from unnest(seqs) as old (seq) cross join lateral (
      select event.ctid as row from "postbus".event where event.seq = old.seq offset 0
    ) event;
    delete from "postbus".event where event.ctid = any(rows);
  end if;

  update "postbus".pruning set
    pruned_at = clock_timestamp(),
    after_seq = case when not more and began_at <= clock_timestamp() - begin_again then 0 else coalesce(last_old, after_seq) end,
    began_at = case when not more and began_at <= clock_timestamp() - begin_again then clock_timestamp() else began_at end;
  return query select coalesce(cardinality(seqs), 0), more;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.prune_58ca598398b11ddf(firsts uuid[], lasts uuid[])
 RETURNS void
 LANGUAGE plpgsql
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
begin
  select array_agg(job.row) into rows from unnest(firsts, lasts) as old (first, last)
  cross join lateral (select job.ctid as row from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job where job.name = 'events' and job.id >= old.first and job.id <= old.last offset 0) job;
  delete from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job where job.ctid = any(rows);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.prune_81bfe57c43c70303(firsts uuid[], lasts uuid[])
 RETURNS void
 LANGUAGE plpgsql
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
begin
  select array_agg(job.row) into rows from unnest(firsts, lasts) as old (first, last)
  cross join lateral (select job.ctid as row from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.name = 'events_partitioned' and job.id >= old.first and job.id <= old.last offset 0) job;
  delete from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.ctid = any(rows);
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
          input record;
          stored record;
          in_transaction boolean := (parsed -> 'in_transaction')::boolean;
          queues text := parsed ->> 'wake';
          wake text;
          done text; -- an assignment is evaluated at once, where perform runs a query
        begin
          if (parsed ->> 'protocol')::integer <> 1 then
            raise exception using errcode = 'PB001',
              message = format('Schema "%s" is older than the code that publishes. Run: npx postbus migrate', 'postbus');
          end if;

          if in_transaction then
            done := set_config('postbus.published_by', 'now', true);
          end if;

          if jsonb_array_length(parsed -> 'events') = 1 then
            select * into input from jsonb_to_recordset(parsed -> 'events') as event (
              ord integer, id uuid, type text, version integer, partition_key text, payload text, correlation_id text,
              causation_id text, source text, metadata text, occurred_at timestamptz, expires_at timestamptz,
              receivers integer
            );
            insert into "postbus".event (
              id, type, version, partition_key, payload, correlation_id, causation_id, source, metadata, occurred_at, expires_at
            ) values (
              input.id, input.type, input.version, input.partition_key, input.payload::json,
              coalesce(input.correlation_id, input.id::text), input.causation_id, input.source, input.metadata::json,
              input.occurred_at, input.expires_at
            )
            on conflict (id) do nothing
            returning event.seq into stored;
            id := input.id;
            duplicate := not found;
            deliveries := 0;
            if not duplicate then
              insert into "pgboss".job (
                id, name, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
                retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds
              ) select 
                (lpad(to_hex(stored.seq), 16, '0') || receiver.handler_hash)::uuid,
                coalesce(queue.name, "postbus".no_such_queue(receiver.queue)),
                jsonb_object(array['event', input.id::text, 'type', input.type, 'handler', receiver.handler]),
                receiver.priority,
                "pgboss".job_now(),
                "pgboss".job_now(),
                receiver.handler || ':' || input.partition_key,
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
               from (
                jsonb_to_recordset(parsed -> 'receivers') as receiver (
                  set integer, handler text, handler_hash text, queue text, priority integer
                )
                left join "pgboss".queue on queue.name = receiver.queue
              );
              get diagnostics deliveries = row_count;
            end if;
            return next;
          else
            return query
            with input as materialized (
              select * from jsonb_to_recordset(parsed -> 'events') as event (
              ord integer, id uuid, type text, version integer, partition_key text, payload text, correlation_id text,
              causation_id text, source text, metadata text, occurred_at timestamptz, expires_at timestamptz,
              receivers integer
            )
            ), stored as (
              insert into "postbus".event (
              id, type, version, partition_key, payload, correlation_id, causation_id, source, metadata, occurred_at, expires_at
            ) select 
              input.id, input.type, input.version, input.partition_key, input.payload::json,
              coalesce(input.correlation_id, input.id::text), input.causation_id, input.source, input.metadata::json,
              input.occurred_at, input.expires_at
             from input order by ord
              on conflict (id) do nothing
              returning event.seq, event.id
            ), delivered as (
              insert into "pgboss".job (
                id, name, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
                retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds
              )
              select 
                (lpad(to_hex(stored.seq), 16, '0') || receiver.handler_hash)::uuid,
                coalesce(queue.name, "postbus".no_such_queue(receiver.queue)),
                jsonb_object(array['event', input.id::text, 'type', input.type, 'handler', receiver.handler]),
                receiver.priority,
                "pgboss".job_now(),
                "pgboss".job_now(),
                receiver.handler || ':' || input.partition_key,
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
                  set integer, handler text, handler_hash text, queue text, priority integer
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

          if in_transaction then
            done := set_config('postbus.published_by', extract(epoch from statement_timestamp())::text, true);
            wake := coalesce(current_setting('postbus.wake', true), '');
            if ' ' || wake || ' ' not like '% ' || queues || ' %' then
              done := set_config('postbus.wake', concat_ws(' ', nullif(wake, ''), queues), true);
            end if;
          elsif queues is not null then
            done := "postbus".wake(queues);
          end if;
        end
        $function$
;

CREATE OR REPLACE FUNCTION postbus.recover_58ca598398b11ddf(silent_seconds integer, error jsonb)
 RETURNS integer
 LANGUAGE plpgsql
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
  lost tid[];
  lanes text[];
begin
  select array_agg(silent.row), array_agg(silent.singleton_key) into lost, lanes from (
    select job.ctid as row, job.singleton_key from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job
    where job.state = 'active' and job.heartbeat_on < "pgboss".job_now() - silent_seconds * interval '1s'
    order by job.heartbeat_on
    for update skip locked
  ) silent;
  if lost is null then return 0; end if;

  update "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job set
    state = 'retry',
    start_after = "pgboss".job_now(),
    heartbeat_on = null,
    output = case
          when (error || jsonb_build_object('attempt', job.retry_count - (job.retry_limit - 1000000) + 1)) is null or jsonb_typeof((error || jsonb_build_object('attempt', job.retry_count - (job.retry_limit - 1000000) + 1))) = 'null' then job.output
          when jsonb_array_length(case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) >= 20 then ((case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || ((error || jsonb_build_object('attempt', job.retry_count - (job.retry_limit - 1000000) + 1)))) - 0
          else (case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || ((error || jsonb_build_object('attempt', job.retry_count - (job.retry_limit - 1000000) + 1))) end
  from unnest(lost) as silent (row)
  where job.ctid = silent.row;
  
  perform pg_notify('postbus_postbus', 'events');
  return cardinality(lost);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.recover_81bfe57c43c70303(silent_seconds integer, error jsonb)
 RETURNS integer
 LANGUAGE plpgsql
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
  lost tid[];
  lanes text[];
begin
  select array_agg(silent.row), array_agg(silent.singleton_key) into lost, lanes from (
    select job.ctid as row, job.singleton_key from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job
    where job.state = 'active' and job.heartbeat_on < "pgboss".job_now() - silent_seconds * interval '1s'
    and job.name = 'events_partitioned' and job.policy = 'singleton' order by job.name, coalesce(job.singleton_key, '')
    for update skip locked
  ) silent;
  if lost is null then return 0; end if;

  update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set
    state = 'retry',
    start_after = "pgboss".job_now(),
    heartbeat_on = null,
    output = case
          when (error || jsonb_build_object('attempt', job.retry_count - (job.retry_limit - 1000000) + 1)) is null or jsonb_typeof((error || jsonb_build_object('attempt', job.retry_count - (job.retry_limit - 1000000) + 1))) = 'null' then job.output
          when jsonb_array_length(case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) >= 20 then ((case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || ((error || jsonb_build_object('attempt', job.retry_count - (job.retry_limit - 1000000) + 1)))) - 0
          else (case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || ((error || jsonb_build_object('attempt', job.retry_count - (job.retry_limit - 1000000) + 1))) end
  from unnest(lost) as silent (row)
  where job.ctid = silent.row;
  perform "postbus"."promote_81bfe57c43c70303"(lanes);
  perform pg_notify('postbus_postbus', 'events_partitioned');
  return cardinality(lost);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.seq_of_delivery(delivery_id uuid)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN ((('x'::text || "left"(replace((delivery_id)::text, '-'::text, ''::text), 16)))::bit(64))::bigint
;

CREATE OR REPLACE FUNCTION postbus.set_aside_58ca598398b11ddf(wanted integer, handlers text[], free integer[], against_front boolean)
 RETURNS TABLE(handler text, "row" tid, id uuid, lane text, held_back boolean, passed_over boolean)
 LANGUAGE plpgsql
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
      (select (job.data ->> 'handler') as handler from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' order by (job.data ->> 'handler') limit 1)
      union all
      select following.handler from waiting cross join lateral (
        select (job.data ->> 'handler') as handler from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' and (job.data ->> 'handler') > waiting.handler
        order by (job.data ->> 'handler') limit 1
      ) following
    ), room as materialized (
      select waiting.handler, least(wanted, coalesce(free[array_position(handlers, waiting.handler)], wanted)) as free
      from waiting
    ), fitting as materialized (
      select room.handler, one.priority, one.created_on from room cross join lateral (
        select job.priority, job.created_on from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' and (job.data ->> 'handler') = room.handler and job.start_after <= "pgboss".job_now()
        order by (job.data ->> 'handler'), job.priority desc, job.created_on
        limit room.free
      ) one
    ), front as materialized (
      select job.priority, job.created_on from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job
      where job.name = 'events' and job.state < 'active' and not job.blocked and job.start_after <= "pgboss".job_now()
      order by job.name, job.priority desc, job.created_on
      limit case when against_front and exists (select from fitting) then wanted else 0 end
    ), first as materialized (
      select * from (select * from fitting union all select null, front.* from front) both_kinds
      order by both_kinds.priority desc, both_kinds.created_on
      limit wanted
    ), share as materialized (
      select room.handler, room.free,
        (select count(*) from first where first.handler = room.handler) as count,
        (select count(*) from fitting where fitting.handler = room.handler) as fitting
      from room
    )
    select share.handler, taken.row, taken.id, taken.singleton_key, share.free <= share.count, share.count < share.fitting
    from share left join lateral (
      select job.ctid as row, job.id, job.singleton_key from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' and (job.data ->> 'handler') = share.handler and job.start_after <= "pgboss".job_now()
        order by (job.data ->> 'handler'), job.priority desc, job.created_on
      limit share.count
      for update skip locked
    ) taken on true;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.set_aside_81bfe57c43c70303(wanted integer, handlers text[], free integer[], against_front boolean)
 RETURNS TABLE(handler text, "row" tid, id uuid, lane text, held_back boolean, passed_over boolean)
 LANGUAGE plpgsql
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
      (select (job.data ->> 'handler') as handler from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' order by (job.data ->> 'handler') limit 1)
      union all
      select following.handler from waiting cross join lateral (
        select (job.data ->> 'handler') as handler from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' and (job.data ->> 'handler') > waiting.handler
        order by (job.data ->> 'handler') limit 1
      ) following
    ), room as materialized (
      select waiting.handler, least(wanted, coalesce(free[array_position(handlers, waiting.handler)], wanted)) as free
      from waiting
    ), fitting as materialized (
      select room.handler, one.priority, one.created_on from room cross join lateral (
        select job.priority, job.created_on from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' and (job.data ->> 'handler') = room.handler and job.start_after <= "pgboss".job_now()
        order by (job.data ->> 'handler'), job.priority desc, job.created_on
        limit room.free
      ) one
    ), front as materialized (
      select job.priority, job.created_on from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job
      where job.name = 'events_partitioned' and job.state < 'active' and not job.blocked and job.start_after <= "pgboss".job_now()
      order by job.name, job.priority desc, job.created_on
      limit case when against_front and exists (select from fitting) then wanted else 0 end
    ), first as materialized (
      select * from (select * from fitting union all select null, front.* from front) both_kinds
      order by both_kinds.priority desc, both_kinds.created_on
      limit wanted
    ), share as materialized (
      select room.handler, room.free,
        (select count(*) from first where first.handler = room.handler) as count,
        (select count(*) from fitting where fitting.handler = room.handler) as fitting
      from room
    )
    select share.handler, taken.row, taken.id, taken.singleton_key, share.free <= share.count, share.count < share.fitting
    from share left join lateral (
      select job.ctid as row, job.id, job.singleton_key from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.blocked and job.group_tier = 'set aside' and job.state < 'active' and (job.data ->> 'handler') = share.handler and job.start_after <= "pgboss".job_now()
        order by (job.data ->> 'handler'), job.priority desc, job.created_on
      limit share.count
      for update skip locked
    ) taken on true;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.settle_58ca598398b11ddf(done uuid[], claims double precision[], others jsonb)
 RETURNS TABLE(settled uuid)
 LANGUAGE plpgsql
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
begin
  if others is not null then lock table "postbus".dead_letter in row exclusive mode; end if;
  -- By the name of the claim: so many ids and one name are one search of the primary key, and what was claimed together has the same.
  for claimed in
    select outcome.claim as number, array_agg(outcome.id) as ids from unnest(done, claims) as outcome (id, claim) group by 1
  loop
    with ended as (
      update "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job set state = 'completed', completed_on = "pgboss".job_now(), heartbeat_on = null
      where job.name = 'events' and job.id = any(claimed.ids) and (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) = claimed.number
        and job.state::text = 'active'
      returning job.id, job.singleton_key
    )
    select ours || array_agg(ended.id) into ours from ended;
  end loop;
  if others is not null then
    declare
      rows tid[];
    begin
      select array_agg(job.row) into rows
      from jsonb_to_recordset(others) as outcome (id uuid, claim float8)
      left join lateral (
        select job.ctid as row from "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job where job.name = 'events' and job.id = outcome.id and (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) = outcome.claim and job.state::text = 'active'
        for update
      ) job on true;

      with ended as (
        update "pgboss"."j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97" job set
          state = (case when outcome.outcome = 'dead' and not outcome.blocks then 'failed' else 'retry' end)::"pgboss".job_state,
          completed_on = case when outcome.outcome = 'dead' and not outcome.blocks then "pgboss".job_now() end,
          start_after = case
            when outcome.outcome in ('retry', 'later') then "pgboss".job_now() + outcome.delay_ms * interval '1 ms'
            when outcome.blocks then 'infinity'
            else job.start_after end,
          retry_limit = job.retry_limit + case when outcome.outcome = 'later' then 1 else 0 end,
          heartbeat_on = null,
          output = case
          when outcome.error is null or jsonb_typeof(outcome.error) = 'null' then job.output
          when jsonb_array_length(case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) >= 20 then ((case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || (outcome.error)) - 0
          else (case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || (outcome.error) end
        from rows from (
          jsonb_to_recordset(others) as (outcome text, delay_ms float8, error jsonb, reason text, blocks boolean),
          unnest(rows)
        ) as outcome (outcome, delay_ms, error, reason, blocks, row)
        where job.ctid = outcome.row
        returning job.id, job.name, job.singleton_key, job.data, job.output, outcome.outcome, outcome.reason, outcome.blocks
      ), letters as (
        insert into "postbus".dead_letter as letter (
          delivery_id, queue, handler, event_id, event_type, partition_key, reason, attempts, blocks_key, died_at
        )
        select ended.id, ended.name, coalesce(ended.data ->> 'handler', ''), event.id,
          coalesce(event.type, ended.data ->> 'type'), event.partition_key, ended.reason,
          coalesce(ended.output, '[]'), ended.blocks, "pgboss".job_now()
        from ended
        left join lateral (
          select event.id, event.type, event.partition_key from "postbus".event event
          where event.seq = "postbus".seq_of_delivery(ended.id) offset 0
        ) event on true
        where ended.outcome = 'dead'
        on conflict (delivery_id) do update set
          reason = excluded.reason, attempts = excluded.attempts, blocks_key = excluded.blocks_key,
          died_at = excluded.died_at, discarded_at = null
      )
      select ours || array_agg(ended.id) into ours from ended;
    end;
  end if;
  return query select unnest(ours);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.settle_81bfe57c43c70303(done uuid[], claims double precision[], others jsonb, ends_run uuid[])
 RETURNS TABLE(settled uuid, more boolean, id uuid, handler text, claim double precision, attempt integer, seq bigint, event_id uuid, type text, version integer, partition_key text, payload text, correlation_id text, causation_id text, source text, metadata text, occurred_at timestamp with time zone, expires_at timestamp with time zone)
 LANGUAGE plpgsql
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
  lanes text[];
  taken tid[];
  promoted tid[];
  more boolean;
begin
  if others is not null then lock table "postbus".dead_letter in row exclusive mode; end if;
  -- By the name of the claim: so many ids and one name are one search of the primary key, and what was claimed together has the same.
  for claimed in
    select outcome.claim as number, array_agg(outcome.id) as ids from unnest(done, claims) as outcome (id, claim) group by 1
  loop
    with ended as (
      update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set state = 'completed', completed_on = "pgboss".job_now(), heartbeat_on = null
      where job.name = 'events_partitioned' and job.id = any(claimed.ids) and (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) = claimed.number
        and job.state::text = 'active'
      returning job.id, job.singleton_key
    )
    select ours || array_agg(ended.id), lanes || array_agg(ended.singleton_key)
    into ours, lanes from ended;
  end loop;
  if others is not null then
    declare
      rows tid[];
    begin
      select array_agg(job.row) into rows
      from jsonb_to_recordset(others) as outcome (id uuid, claim float8)
      left join lateral (
        select job.ctid as row from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.name = 'events_partitioned' and job.id = outcome.id and (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) = outcome.claim and job.state::text = 'active'
        for update
      ) job on true;

      with ended as (
        update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set
          state = (case when outcome.outcome = 'dead' and not outcome.blocks then 'failed' else 'retry' end)::"pgboss".job_state,
          completed_on = case when outcome.outcome = 'dead' and not outcome.blocks then "pgboss".job_now() end,
          start_after = case
            when outcome.outcome in ('retry', 'later') then "pgboss".job_now() + outcome.delay_ms * interval '1 ms'
            when outcome.blocks then 'infinity'
            else job.start_after end,
          retry_limit = job.retry_limit + case when outcome.outcome = 'later' then 1 else 0 end,
          heartbeat_on = null,
          output = case
          when outcome.error is null or jsonb_typeof(outcome.error) = 'null' then job.output
          when jsonb_array_length(case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) >= 20 then ((case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || (outcome.error)) - 0
          else (case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end) || (outcome.error) end
        from rows from (
          jsonb_to_recordset(others) as (outcome text, delay_ms float8, error jsonb, reason text, blocks boolean),
          unnest(rows)
        ) as outcome (outcome, delay_ms, error, reason, blocks, row)
        where job.ctid = outcome.row
        returning job.id, job.name, job.singleton_key, job.data, job.output, outcome.outcome, outcome.reason, outcome.blocks
      ), letters as (
        insert into "postbus".dead_letter as letter (
          delivery_id, queue, handler, event_id, event_type, partition_key, reason, attempts, blocks_key, died_at
        )
        select ended.id, ended.name, coalesce(ended.data ->> 'handler', ''), event.id,
          coalesce(event.type, ended.data ->> 'type'), event.partition_key, ended.reason,
          coalesce(ended.output, '[]'), ended.blocks, "pgboss".job_now()
        from ended
        left join lateral (
          select event.id, event.type, event.partition_key from "postbus".event event
          where event.seq = "postbus".seq_of_delivery(ended.id) offset 0
        ) event on true
        where ended.outcome = 'dead'
        on conflict (delivery_id) do update set
          reason = excluded.reason, attempts = excluded.attempts, blocks_key = excluded.blocks_key,
          died_at = excluded.died_at, discarded_at = null
      )
      select ours || array_agg(ended.id), lanes || array_agg(ended.singleton_key)
    into ours, lanes from ended;
    end;
  end if;

  select
    array_agg(case when head.state < 'active' and head.start_after <= greatest("pgboss".job_now(), clock_timestamp()) and not ended.id = any(ends_run) then head.row end),
    array_remove(array_agg(case when head.blocked and not (head.state < 'active' and head.start_after <= greatest("pgboss".job_now(), clock_timestamp()) and not ended.id = any(ends_run)) then head.row end), null),
    coalesce(bool_or(head.state < 'active' and head.start_after <= greatest("pgboss".job_now(), clock_timestamp()) and ended.id = any(ends_run)), false)
  into taken, promoted, more
  from unnest(ours, lanes) as ended (id, lane)
  left join lateral (
    select job.ctid as row, job.state, job.blocked, job.start_after from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job
      where job.singleton_key = ended.lane and job.state < 'completed'
      order by job.id limit 1 for update
  ) head on true;

  if promoted <> '{}' then
    update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set blocked = false where job.ctid = any(promoted);
  end if;

  return query
    with activated as (
      update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set
        state = 'active',
        blocked = false,
        started_on = "pgboss".job_now(),
        heartbeat_on = "pgboss".job_now(),
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end
      from unnest(taken) with ordinality as chosen (row, ord)
      where job.ctid = chosen.row
      returning chosen.ord, job.priority, job.created_on, job.id, job.data ->> 'handler' as handler, (job.retry_count * 60000000::float8 + date_part('microseconds', job.started_on)) as claim,
        job.retry_count - (job.retry_limit - 1000000) + 1 as attempt
    )
    select ours[activated.ord], more, activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at from activated left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, event.payload::text, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at
      from "postbus".event event where event.seq = "postbus".seq_of_delivery(activated.id) offset 0
    ) event on true;
  if array_position(taken, null) is null then return; end if;
  return query
    select ended.id, more, null::uuid, null::text, null::float8, null::integer, null::bigint, null::uuid, null::text,
    null::integer, null::text, null::text, null::text, null::text, null::text, null::text, null::timestamptz,
    null::timestamptz from unnest(ours, taken) as ended (id, taken) where ended.taken is null;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.skip_81bfe57c43c70303(lane text, because text)
 RETURNS uuid
 LANGUAGE plpgsql
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
  select into head job.ctid as row, job.id, job.state from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job
      where job.singleton_key = lane and job.state < 'completed'
      order by job.id limit 1 for update;
  if head.row is null or head.state = 'active' then return null; end if;

  update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set state = 'failed', blocked = false, completed_on = "pgboss".job_now() where job.ctid = head.row;
  insert into "postbus".dead_letter as letter (
    delivery_id, queue, handler, event_id, event_type, partition_key, reason, attempts, died_at, discarded_at
  )
  select job.id, job.name, coalesce(job.data ->> 'handler', ''), event.id, coalesce(event.type, job.data ->> 'type'),
    event.partition_key, because, case when jsonb_typeof(job.output) = 'array' then job.output else '[]' end,
    "pgboss".job_now(), null
  from (select job.* from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.name = 'events_partitioned' and job.id = head.id) job
  left join lateral (
    select * from "postbus".event event where event.seq = "postbus".seq_of_delivery(job.id) offset 0
  ) event on true
  on conflict (delivery_id) do update set blocks_key = false, discarded_at = null;
  perform "postbus"."promote_81bfe57c43c70303"(array[lane]);
  perform pg_notify('postbus_postbus', 'events_partitioned');
  return head.id;
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.sweep_81bfe57c43c70303(visits integer, every_seconds double precision)
 RETURNS integer
 LANGUAGE plpgsql
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
  after text;
  last_lane text;
  visited integer;
  ids uuid[];
  orphans tid[];
begin
  update "postbus".lane_sweep sweep set swept_at = clock_timestamp()
  where sweep.queue = 'events_partitioned' and sweep.swept_at <= clock_timestamp() - every_seconds * interval '1s'
  returning sweep.after_lane into after;
  if after is null then return 0; end if;

  select count(*), max(walked.lane), array_agg(walked.id) filter (where walked.idle and walked.blocked)
  into visited, last_lane, ids
  from "postbus"."walk_81bfe57c43c70303"(after, visits) walked;
  update "postbus".lane_sweep sweep set after_lane = case when visited < visits then '' else last_lane end
  where sweep.queue = 'events_partitioned';

  select array_agg(orphan.row) into orphans from unnest(ids) as found (id)
  cross join lateral (select job.ctid as row from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job where job.name = 'events_partitioned' and job.id = found.id and job.blocked and job.group_tier is distinct from 'set aside'
    for update skip locked
  ) orphan;
  if orphans is null then return 0; end if;
  update "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job set blocked = false from unnest(orphans) as orphan (row) where job.ctid = orphan.row;
  perform pg_notify('postbus_postbus', 'events_partitioned');
  return cardinality(orphans);
end
$function$
;

CREATE OR REPLACE FUNCTION postbus.wake(queues text)
 RETURNS text
 LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION postbus.walk_81bfe57c43c70303(after text, visits integer)
 RETURNS TABLE(lane text, id uuid, idle boolean, blocked boolean)
 LANGUAGE plpgsql
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
      select job.id, job.singleton_key, job.state, job.blocked from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job
      where job.state < 'completed' and job.singleton_key > after
      order by job.singleton_key, job.id limit 1
    )
      union all
      select following.* from head cross join lateral (
      select job.id, job.singleton_key, job.state, job.blocked from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job
      where job.state < 'completed' and job.singleton_key > head.singleton_key
      order by job.singleton_key, job.id limit 1
    ) following
    ), visited as materialized (
      select * from head limit visits
    )
    select visited.singleton_key, visited.id, visited.state < 'active' and running.lane is null, visited.blocked
    from visited
    left join lateral (select job.id, coalesce(job.singleton_key, '') as lane from "pgboss"."j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185" job
      where job.name = 'events_partitioned' and job.state = 'active' and job.policy = 'singleton'
        and coalesce(job.singleton_key, '') >= visited.singleton_key
      order by job.name, coalesce(job.singleton_key, '') limit 1
    ) running on running.lane = visited.singleton_key;
end
$function$
;

CREATE INDEX postbus_active_58ca598398b11ddf ON pgboss.j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97 USING btree (heartbeat_on) WHERE (state = 'active'::pgboss.job_state);

CREATE INDEX postbus_lane_81bfe57c43c70303 ON pgboss.j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185 USING btree (singleton_key, id) WHERE (state < 'completed'::pgboss.job_state);

CREATE INDEX postbus_set_aside_58ca598398b11ddf ON pgboss.j58ca598398b11ddf309926225e957a9b9a7923811e3c56853b3d8e97 USING btree (((data ->> 'handler'::text)), priority DESC, created_on) WHERE (blocked AND (group_tier = 'set aside'::text) AND (state < 'active'::pgboss.job_state));

CREATE INDEX postbus_set_aside_81bfe57c43c70303 ON pgboss.j81bfe57c43c70303fc4c1d9c6c48b41be85316be34738039892d4185 USING btree (((data ->> 'handler'::text)), priority DESC, created_on) WHERE (blocked AND (group_tier = 'set aside'::text) AND (state < 'active'::pgboss.job_state));
