/**
 * Claiming: taking deliveries that are due for one attempt each, together with their events, in one statement.
 *
 * Not pg-boss's `fetch`, because of two things it does with partitioned queues: one busy key makes it return nothing
 * at all, and a retry is overtaken by its successors.
 */
import type { ClaimedDelivery, StoredEvent } from '../../backend.ts'
import { parseJson } from '../../codec/parse-json.ts'
import type { Metadata } from '../../envelope.ts'
import { isPartitionedQueue } from '../../names.ts'
import type { Queryable } from './connection.ts'
import { RETRY_LIMIT, type QueueState } from './queues.ts'
import type { Tables } from './tables.ts'

const UNIQUE_VIOLATION = '23505'
const MAX_TRIES = 5

interface ClaimedRow {
  readonly id: string
  readonly handler: string | null
  readonly retry_count: number
  readonly attempt: number
  readonly seq: string | null
  readonly event_id: string
  readonly type: string
  readonly version: number
  readonly partition_key: string | null
  readonly payload: string
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly source: string | null
  readonly metadata: string | null
  readonly occurred_at: Date
  readonly expires_at: Date | null
}

/** Claims up to `limit` deliveries, most urgent first. An empty answer means that nothing can be claimed right now. */
export async function claimDeliveries(
  database: Queryable,
  tables: Tables,
  queue: QueueState,
  limit: number,
): Promise<readonly ClaimedDelivery[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      const { rows } = await database.query<ClaimedRow>(claimStatement(tables, queue), [queue.name, limit])
      return rows.map((row) => claimedDelivery(queue.name, row))
    } catch (error) {
      // Two processes chose different deliveries of one lane at the same moment. The unique index lets one of them win;
      // the other finds the lane busy when it looks again.
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION || tries === MAX_TRIES) throw error
    }
  }
}

function claimStatement(tables: Tables, queue: QueueState): string {
  return `
    with next as (
      select job.id from ${queue.table} job
      where job.name = $1 and job.state < 'active' and not job.blocked and job.start_after <= ${tables.jobNow}
        ${isPartitionedQueue(queue.name) ? onlyHeadOfIdleLane(queue) : ''}
      order by job.priority desc, job.created_on
      limit $2
      for update of job skip locked
    ), claimed as (
      update ${queue.table} job set
        state = 'active',
        started_on = ${tables.jobNow},
        heartbeat_on = ${tables.jobNow},
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end
      from next
      where job.name = $1 and job.id = next.id
      returning job.id, job.data ->> 'handler' as handler, job.retry_count,
        job.retry_count - (job.retry_limit - ${RETRY_LIMIT}) + 1 as attempt, job.priority, job.created_on
    )
    select claimed.id, claimed.handler, claimed.retry_count, claimed.attempt, event.seq, event.id as event_id, event.type,
      event.version, event.partition_key, event.payload::text as payload, event.correlation_id, event.causation_id,
      event.source, event.metadata::text as metadata, event.occurred_at, event.expires_at
    from claimed
    left join ${tables.event} event on event.seq = ${tables.seqOfDelivery}(claimed.id)
    order by claimed.priority desc, claimed.created_on, claimed.id`
}

/**
 * Of each lane only the oldest live delivery may run, and only while none of the lane is running. A job without a key is
 * not ours, and two of them in one claim would violate the unique index: it is left alone.
 */
function onlyHeadOfIdleLane(queue: QueueState): string {
  return `
        and job.singleton_key is not null
        and not exists (
          select from ${queue.table} older
          where older.singleton_key = job.singleton_key and older.state < 'completed' and older.id < job.id
        )
        and not exists (
          select from ${queue.table} running
          where running.name = job.name and running.state = 'active' and running.policy = 'singleton'
            and coalesce(running.singleton_key, '') = job.singleton_key
        )`
}

function claimedDelivery(queue: string, row: ClaimedRow): ClaimedDelivery {
  return {
    id: row.id,
    queue,
    handler: row.handler ?? '',
    claim: row.retry_count,
    attempt: row.attempt,
    event: row.seq === null ? null : storedEvent(row, row.seq),
  }
}

function storedEvent(row: ClaimedRow, seq: string): StoredEvent {
  return {
    seq,
    id: row.event_id,
    type: row.type,
    version: row.version,
    partitionKey: row.partition_key,
    payload: row.payload,
    correlationId: row.correlation_id,
    causationId: row.causation_id,
    source: row.source,
    metadata: row.metadata === null ? {} : (parseJson(row.metadata) as Metadata),
    occurredAt: row.occurred_at,
    expiresAt: row.expires_at,
  }
}
