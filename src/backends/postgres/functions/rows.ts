/** The rows of an event and of its deliveries, as SQL: publishing writes them, and so do imports, replays and backfills. */
import { laneKeyInSql } from '../../../deliveries/lane-key.ts'
import { isPartitionedInSql } from '../../../names.ts'
import type { Tables } from '../schema/tables.ts'
import { sizeIfLarge } from './sizes.ts'
import { functionName, GATED } from './sql.ts'

/** `retained`: SQL, until when the event is kept, if its type says how long. */
export const eventOf = (retained: string) => ({
  columns: `id, type, version, partition_key, payload, correlation_id, causation_id, caused_by_handler, initialized_at, source, metadata, occurred_at, expires_at, retained_until`,
  values: `input.id, input.type, input.version, input.partition_key, input.payload::json,
          coalesce(input.correlation_id, input.id::text), input.causation_id, input.caused_by_handler, input.initialized_at, input.source,
          input.metadata::json, input.occurred_at, input.expires_at, ${retained}`,
})

export const JOB_COLUMNS = `id, name, state, data, priority, start_after, created_on, singleton_key, expire_seconds, deletion_seconds, keep_until,
          retry_limit, retry_delay, retry_backoff, retry_delay_max, policy, dead_letter, heartbeat_seconds`

/**
 * SQL: the values of `JOB_COLUMNS`, from `stored`, `input`, `receiver` and `queue`. `also`: what is appended to the delivery's data. If
 * `isGated`, the delivery is not due before `gate`: it waits for its backfill, for the other deliveries of its event, or for that time. Only
 * partitioned queues have lanes.
 */
export function jobValues(tables: Tables, { also = '', isGated = 'false', gate = GATED } = {}): string {
  return `(lpad(to_hex(stored.seq), 16, '0') || receiver.handler_hash)::uuid,
          coalesce(queue.name, ${functionName(tables, 'no_such_queue')}(receiver.queue)),
          case when ${isGated} then 'retry' else 'created' end::"${tables.names.pgboss}".job_state,
          jsonb_object(array['event', input.id::text, 'type', input.type, 'handler', receiver.handler] || ${sizeIfLarge('input.payload')}${also}),
          receiver.priority,
          case when ${isGated} then ${gate} else ${tables.jobNow} end,
          ${tables.clock},
          case when ${isPartitionedInSql('receiver.queue')} then ${laneKeyInSql('receiver.handler', 'input.partition_key')} end,
          queue.expire_seconds,
          queue.deletion_seconds,
          ${tables.jobNow} + queue.retention_seconds * interval '1s',
          queue.retry_limit,
          queue.retry_delay,
          queue.retry_backoff,
          queue.retry_delay_max,
          queue.policy,
          queue.dead_letter,
          queue.heartbeat_seconds`
}
