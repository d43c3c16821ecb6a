/**
 * Settling: ending attempts, a group of them in one statement.
 *
 * Every row is fenced by its claim (`retry_count`) and must still be active: a worker whose claim was taken over
 * changes nothing. A dead letter is written in the statement that ends its delivery, so there is no moment in which a
 * delivery is neither waiting nor a dead letter.
 */
import type { Settlement } from '../../backend.ts'
import type { Queryable } from './connection.ts'
import type { QueueState } from './queues.ts'
import type { Tables } from './tables.ts'

/** A delivery keeps the errors of its latest attempts; older ones are dropped from the front. */
const KEPT_ERRORS = 20

/** Settles a group. Answers the ids that were still claimed by us. */
export async function settleDeliveries(
  database: Queryable,
  tables: Tables,
  queue: QueueState,
  settlements: readonly Settlement[],
): Promise<ReadonlySet<string>> {
  if (settlements.length === 0) return new Set()
  const values = [queue.name, JSON.stringify(settlements.map(rowOf))]
  const { rows } = await database.query<{ id: string }>(settleStatement(tables, queue), values)
  return new Set(rows.map((row) => row.id))
}

function rowOf(settlement: Settlement) {
  return {
    id: settlement.delivery.id,
    claim: settlement.delivery.claim,
    outcome: settlement.is,
    delay_ms: 'delayMs' in settlement ? settlement.delayMs : 0,
    error: 'error' in settlement ? settlement.error : null,
    reason: 'reason' in settlement ? settlement.reason : null,
    blocks:
      settlement.is === 'dead' && settlement.onDead === 'block' && settlement.delivery.event?.partitionKey != null,
  }
}

/**
 * done → completed · retry, later → retry (later uses no attempt: it raises the row's retry limit by one) ·
 * dead → failed, or, when it blocks its key, parked alive at the head of its lane until an operator acts.
 */
function settleStatement(tables: Tables, queue: QueueState): string {
  return `
    with outcome as (
      select * from jsonb_to_recordset($2::jsonb) as outcome (
        id uuid, claim integer, outcome text, delay_ms float8, error jsonb, reason text, blocks boolean
      )
    ), settled as (
      update ${queue.table} job set
        state = (case
          when outcome.outcome = 'done' then 'completed'
          when outcome.outcome = 'dead' and not outcome.blocks then 'failed'
          else 'retry' end)::"${tables.names.pgboss}".job_state,
        completed_on = case when outcome.outcome = 'done' or outcome.outcome = 'dead' and not outcome.blocks
          then ${tables.jobNow} end,
        start_after = case
          when outcome.outcome = 'dead' and outcome.blocks then 'infinity'
          when outcome.outcome in ('retry', 'later') then ${tables.jobNow} + outcome.delay_ms * interval '1 ms'
          else job.start_after end,
        retry_limit = job.retry_limit + case when outcome.outcome = 'later' then 1 else 0 end,
        heartbeat_on = null,
        output = ${withError('job.output', 'outcome.error')}
      from outcome
      where job.name = $1 and job.id = outcome.id and job.retry_count = outcome.claim and job.state = 'active'
      returning job.id, job.name, job.data, job.output, outcome.outcome, outcome.reason, outcome.blocks
    ), buried as (
      insert into ${tables.deadLetter} as letter (
        delivery_id, queue, handler, event_id, event_type, partition_key, reason, attempts, blocks_key, died_at
      )
      select settled.id, settled.name, coalesce(settled.data ->> 'handler', ''), event.id,
        coalesce(event.type, settled.data ->> 'type'), event.partition_key, settled.reason,
        coalesce(settled.output, '[]'), settled.blocks, ${tables.jobNow}
      from settled
      left join ${tables.event} event on event.seq = ${tables.seqOfDelivery}(settled.id)
      where settled.outcome = 'dead'
      on conflict (delivery_id) do update set
        reason = excluded.reason, attempts = excluded.attempts, blocks_key = excluded.blocks_key,
        died_at = excluded.died_at, discarded_at = null
    )
    select id from settled`
}

/** Appends an error to a list of errors. Whatever else stands there (pg-boss's supervisor may have written it) goes. */
export function withError(list: string, error: string): string {
  const kept = `case when jsonb_typeof(${list}) = 'array' then ${list} else '[]' end`
  const appended = `(${kept}) || (${error})`
  return `case
          when ${error} is null or jsonb_typeof(${error}) = 'null' then ${list}
          when jsonb_array_length(${kept}) >= ${KEPT_ERRORS} then (${appended}) - 0
          else ${appended} end`
}
