/**
 * Every delivery, read without the code under test: the jobs, and finished deliveries from the history, which are shown as
 * completed jobs.
 */
export const EVERY_DELIVERY = `(
  select id, name, data, state::text as state, priority, singleton_key, retry_count, retry_limit, start_after, started_on, output
  from pgboss.job
  union all
  select (lpad(to_hex(done.seq), 16, '0') || left(encode(sha256(handler.name::bytea), 'hex'), 16))::uuid,
    case when event.partition_key is null then 'events' else 'events_partitioned' end,
    jsonb_build_object('event', event.id, 'type', event.type, 'handler', handler.name), 'completed', 0,
    handler.name || ':' || event.partition_key, coalesce(done.attempts, 1) - 1, 1000000, done.ended_at, done.ended_at,
    done.detail -> 'errors'
  from postbus.history done join postbus.handler on handler.number = done.handler
  join postbus.event on event.seq = done.seq
)`
