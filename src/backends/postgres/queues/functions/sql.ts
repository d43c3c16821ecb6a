/** What the queues' functions are made of: the names they use, and the pieces of SQL that several of them share. */
import type { Tables } from '../../schema/tables.ts'

/** One queue, as the text of its functions names it. */
export interface QueueParts {
  readonly tables: Tables
  /** The queue's name; it matches `QUEUE_NAME`, so it can stand between quotes. */
  readonly queue: string
  /** The queue's own table, quoted. */
  readonly table: string
  /** What the names of its functions and indexes end with. */
  readonly suffix: string
}

/**
 * pg-boss's own retry limit for our deliveries, far above any `maxAttempts`: its supervisor must never end a delivery
 * for good behind our back. A claim that is given back raises a row's limit by one, so that
 * `retry_count - (retry_limit - RETRY_LIMIT)` counts the claims that used up an attempt.
 */
export const RETRY_LIMIT = 1_000_000

/** A delivery keeps the errors of its latest attempts; older ones are dropped from the front. */
const KEPT_ERRORS = 20

/**
 * Every function runs on plans that are made once per connection and cannot be wrong. A queue's statistics are: its table
 * is empty at one moment and holds a million rows at the next, and a plan that was best for the empty one then reads all
 * of them for each delivery. So each statement is written such that only one plan is left:
 *
 * - what is looked up by id stands in a lateral subquery with `name` and `id`, and names its state as text, which no
 *   partial index can serve: the primary key remains;
 * - what is looked up in an index's order repeats that order and the index's predicate word for word, and nothing may sort;
 * - what was found is locked, and the next statement updates it by its ctid, without another condition. It has a new
 *   snapshot, and nobody can have moved a locked row.
 */
export const FIXED_PLAN = `
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set enable_sort = off
  set enable_incremental_sort = off
  set jit = off`

/** A claimed delivery with its event. Payload and metadata are read as text: see `codec/parse-json.ts`. */
export const DELIVERY_COLUMNS = `
    id uuid, handler text, claim float8, attempt integer, seq bigint, event_id uuid, type text, version integer,
    partition_key text, payload text, correlation_id text, causation_id text, source text, metadata text,
    occurred_at timestamptz, expires_at timestamptz`

export const NO_DELIVERY = `null::uuid, null::text, null::float8, null::integer, null::bigint, null::uuid, null::text,
    null::integer, null::text, null::text, null::text, null::text, null::text, null::text, null::timestamptz,
    null::timestamptz`

export function functionName({ tables, suffix }: Pick<QueueParts, 'tables' | 'suffix'>, what: string): string {
  return `"${tables.names.postbus}"."${what}_${suffix}"`
}

/** Turns the locked rows of the array `rows` into claims. Answers them as `activated`. */
export function activated(parts: QueueParts, rows: string): string {
  return activatedFrom(parts, '', `job.ctid = any(${rows})`)
}

/** The same, with their place in the array as `ord`. To know the place costs a join. */
export function activatedInOrder(parts: QueueParts, rows: string): string {
  const from = `from unnest(${rows}) with ordinality as chosen (row, ord)`
  return activatedFrom(parts, from, 'job.ctid = chosen.row', 'chosen.ord, ')
}

function activatedFrom({ table, tables }: QueueParts, from: string, where: string, also = ''): string {
  return `activated as (
      update ${table} job set
        state = 'active',
        blocked = false,
        started_on = ${tables.jobNow},
        heartbeat_on = ${tables.jobNow},
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end
      ${from}
      where ${where}
      returning ${also}job.priority, job.created_on, job.id, job.data ->> 'handler' as handler, ${claimOf('job')} as claim,
        job.retry_count - (job.retry_limit - ${RETRY_LIMIT}) + 1 as attempt
    )`
}

/** The columns of `DELIVERY_COLUMNS`, from `activated` and its event. */
export const DELIVERY = `activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at`

/** In queue order; what was published together, in the order of publishing. */
export const QUEUE_ORDER = 'order by activated.priority desc, activated.created_on, activated.id'

/** The event of `activated`, which may be gone. */
export function itsEvent({ tables }: QueueParts): string {
  return `left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, event.payload::text, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at
      from ${tables.event} event where event.seq = ${tables.seqOfDelivery}(activated.id) offset 0
    ) event on true`
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

/** The smallest live id of the lane `lane`: its head. Without `name`, so that only the index of lanes has this order. */
export function headOf({ table }: QueueParts, lane: string, columns: string): string {
  return `select ${columns} from ${table} job
      where job.singleton_key = ${lane} and job.state < 'completed'
      order by job.id limit 1`
}

/** The active delivery of the lane `lane`, by pg-boss's unique index. A row of a later lane if there is none. */
export function runningIn({ table, queue }: QueueParts, lane: string): string {
  return `select job.id, coalesce(job.singleton_key, '') as lane from ${table} job
      where job.name = '${queue}' and job.state = 'active' and job.policy = 'singleton'
        and coalesce(job.singleton_key, '') >= ${lane}
      order by job.name, coalesce(job.singleton_key, '') limit 1`
}

export function byId({ table, queue }: QueueParts, id: string, columns: string): string {
  return `select ${columns} from ${table} job where job.name = '${queue}' and job.id = ${id}`
}

/**
 * What a running delivery's claim is called: how many there were before, and the microsecond of the minute in which it was
 * made. The count alone would do if every claim were on the disk before its handler runs. One that was undone by a crash of
 * the server leaves its worker with a count that the next claim gets as well, and either could end the other's attempt.
 */
export function claimOf(job: string): string {
  return `(${job}.retry_count * 60000000::float8 + date_part('microseconds', ${job}.started_on))`
}
