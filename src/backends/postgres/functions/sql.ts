/** The SQL that several of our functions share: the conditions that select rows, and other pieces. */
import { RETRY_LIMIT } from '../../../deliveries/attempt-number.ts'
import type { Tables } from '../schema/tables.ts'
import { AWAITED } from './awaiting.ts'
import { CLAIMED_PAYLOAD } from './sizes.ts'

/** A delivery keeps the errors of its latest attempts; older ones are dropped from the front. */
const KEPT_ERRORS = 20

/**
 * Every function runs with this search path, not with the caller's. So nothing in another schema can take the place of a
 * function, operator, type or table that it names. What is not in pg_catalog is written with its schema.
 */
export const OWN_PATH = 'set search_path = pg_catalog, pg_temp'

/**
 * Every function runs on plans that are made once per connection and cannot be wrong. The statistics of a queue are wrong: it is
 * empty at one moment and holds a million rows at the next, and a plan that was best for the empty queue then reads all
 * rows for each delivery. So each statement is written such that only one plan is left:
 *
 * - a look-up by id is a lateral subquery with `name` and `id`, and compares the state as text, which no partial index can
 *   serve: the primary key remains;
 * - a look-up in an index's order repeats that order and the index's predicate word for word, and nothing may sort;
 * - rows that were found are locked, and the next statement updates them by their ctid, without another condition. It has a
 *   new snapshot, and a locked row cannot have been moved.
 */
export const FIXED_PLAN = `
  ${OWN_PATH}
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set enable_sort = off
  set enable_incremental_sort = off
  set jit = off`

/**
 * The conditions for our rows, and for each of our indexes. pg-boss also has an index of rows that are not blocked, but it does not
 * separate jobs that were never tried from jobs that wait for a retry. `blocked` as a number keeps our statements off it.
 */
export const OURS = `job.retry_limit >= ${RETRY_LIMIT}`
export const FRESH = `job.state = 'created' and job.blocked::integer = 0 and ${OURS}`
export const RETURNING = `job.state = 'retry' and job.blocked::integer = 0 and ${OURS}`
export const ACTIVE = `job.state = 'active' and ${OURS}`
export const LIVE_IN_LANE = `job.state < 'completed' and job.singleton_key is not null and ${OURS}`
/** Set aside by a claim, because its handler had no slot left. A row that is `blocked` without this is parked. */
export const SET_ASIDE = `job.blocked and job.group_tier = 'set aside' and job.state < 'active'`
export const NOT_SET_ASIDE = `job.group_tier is distinct from 'set aside'`

/**
 * The due time of a delivery that waits for the backfill of its handler, or is a finisher: such a delivery never becomes due by
 * itself. It is not `infinity`, which is the due time of a dead delivery that holds its key.
 */
export const GATED = `timestamptz '9999-12-31 00:00:00+00'`

/** The due time of a delivery that waits for the owner of its shard: see `log/held-jobs.ts`. Held jobs are found by it. */
export const HELD = `timestamptz '9999-12-30 00:00:00+00'`

/** The handler of a delivery. */
export const HANDLER = `(job.data ->> 'handler')`

/** SQL: whether a handler of this name reads the log. */
export function readsLog({ logHandler }: Tables, name: string): string {
  return `exists (select from ${logHandler} reading where reading.handler = ${name} and (reading.mode <> 'job' or reading.phase = 'preparing')
    and not reading.is_forgotten)`
}

/** SQL: the seq that all handlers which read the log have passed. If there are none, it is above all seqs. */
export function passedByReaders({ logCursor }: Tables): string {
  return `select coalesce(min(reading.position), 9223372036854775807) from ${logCursor} reading`
}

/** The replay that a delivery belongs to; null for most. */
export const REPLAY = `(job.data ->> 'replay')`

/** The name of one of our functions. */
export function functionName({ names }: Tables, what: string): string {
  return `"${names.postbus}".${what}`
}

/** A claimed delivery with its event. Payload and metadata are read as text: see `codec/parse-json.ts`. */
export const DELIVERY_COLUMNS = `
    id uuid, handler text, claim bigint, attempt integer, seq bigint, event_id uuid, type text, version integer,
    partition_key text, payload text, correlation_id text, causation_id text, source text, metadata text,
    occurred_at timestamptz, expires_at timestamptz, rest text`

export const NO_DELIVERY = `null::uuid, null::text, null::bigint, null::integer, null::bigint, null::uuid, null::text,
    null::integer, null::text, null::text, null::text, null::text, null::text, null::text, null::timestamptz,
    null::timestamptz, null::text`

/**
 * SQL: turns the locked rows of the array `rows` into claims. A row whose claim was taken over, and not ended since, still has a
 * heartbeat (see `isClaimed`). If it is not known whether the attempt of that claim had begun, it is not counted (see `lostOf`).
 */
export function activated(tables: Tables, rows: string, as = 'activated'): string {
  return activatedFrom(tables, { as, where: `job.ctid = any(${rows})` })
}

/** The same, with the place of each row in the array as `ord`, which costs a join. */
export function activatedInOrder(tables: Tables, rows: string, as: string): string {
  const from = `from unnest(${rows}) with ordinality as chosen (row, ord)`
  return activatedFrom(tables, { as, from, where: 'job.ctid = chosen.row', also: 'chosen.ord, ' })
}

interface ActivatedFrom {
  readonly as: string
  readonly from?: string
  readonly where: string
  readonly also?: string
}

function activatedFrom(tables: Tables, { as, from = '', where, also = '' }: ActivatedFrom): string {
  return `${as} as (
      update ${tables.delivery} job set
        state = 'active',
        blocked = false,
        started_on = ${tables.jobNow},
        heartbeat_on = ${tables.clock},
        retry_count = case when job.started_on is null then job.retry_count else job.retry_count + 1 end,
        retry_limit = job.retry_limit
          + case when job.heartbeat_on is not null and job.output #>> '{-1,begun}' = 'false' then 1 else 0 end
      ${from}
      where ${where}
      returning ${also}job.priority, job.created_on, job.id, job.singleton_key as lane, ${HANDLER} as handler, ${REPLAY} as replay, ${AWAITED} as awaited,
        ${claimOf('job')} as claim, ${attemptOf('job')} + ${lostOf('job')} as attempt, ${wasLost('job')} as was_lost
    )`
}

/** The columns of `DELIVERY_COLUMNS`, from `activated` and its event. */
export const DELIVERY = `activated.id, activated.handler, activated.claim, activated.attempt, event.seq, event.id,
      event.type, event.version, event.partition_key, event.payload, event.correlation_id, event.causation_id,
      event.source, event.metadata, event.occurred_at, event.expires_at, event.rest`

/** Queue order. Deliveries that were published together come in the order of publishing. */
export const QUEUE_ORDER = 'order by activated.priority desc, activated.created_on, activated.id'

/** Fields that most events do not have, as one JSON object in one column: a further field in it changes no function's result type. */
export const REST = `${restOf('null', 'null::jsonb')} as rest`

/** For a claim: also whether the event has expired, by the clock that says what is due. The clock of a process may differ. */
function restOfClaimed({ clock }: Tables): string {
  const rest = restOf('activated.replay', 'activated.awaited')
  return `case when event.expires_at is not null and event.expires_at <= ${clock}
          then (coalesce(${rest}, '{}')::jsonb || '{"is_expired": true}')::text else ${rest} end as rest`
}

/** SQL: `null` if the event has none of these fields. `replay` is the replay that the delivery belongs to, `awaited` what it waits for. */
function restOf(replay: string, awaited: string): string {
  return `case when event.caused_by_handler is not null or event.initialized_at is not null or event.redacted is not null
            or event.due_at is not null or event.is_unasked or ${replay} is not null or ${awaited} is not null
          then json_build_object('caused_by_handler', event.caused_by_handler, 'initialized_at', event.initialized_at,
            'redacted', event.redacted, 'replay', ${replay}, 'due_at', event.due_at,
            'is_unasked', event.is_unasked, 'awaited', ${awaited})::text end`
}

/** SQL: the event of `activated`, which may be gone. `shadows` names the handlers that fetch its data themselves. */
export function itsEvent(tables: Tables): string {
  return `left join lateral (
      select event.seq, event.id, event.type, event.version, event.partition_key, ${CLAIMED_PAYLOAD}, event.correlation_id,
        event.causation_id, event.source, event.metadata::text, event.occurred_at, event.expires_at,
        ${restOfClaimed(tables)}
      from ${tables.event} event where event.seq = ${tables.seqOfDelivery}(activated.id) offset 0
    ) event on true`
}

/** SQL: appends an error to a list of errors. Anything else in its place (pg-boss's supervisor may have written it) is dropped. */
export function withError(list: string, error: string): string {
  const kept = errorsIn(list)
  const appended = `(${kept}) || (${error})`
  return `case
          when ${error} is null or jsonb_typeof(${error}) = 'null' then ${list}
          when jsonb_array_length(${kept}) >= ${KEPT_ERRORS} then (${appended}) - 0
          else ${appended} end`
}

/** The errors of a delivery's attempts. */
export function errorsIn(output: string): string {
  return `case when jsonb_typeof(${output}) = 'array' then ${output} else '[]' end`
}

export function byId(tables: Tables, { queue, id }: { queue: string; id: string }, columns: string): string {
  return `select ${columns} from ${tables.delivery} job where job.name = ${queue} and job.id = ${id}`
}

/** The number of the attempt that a claim begins: see `attempt-number.ts`. */
export function attemptOf(job: string): string {
  return `(${job}.retry_count - (${job}.retry_limit - ${RETRY_LIMIT}) + 1)`
}

/**
 * SQL: how many of a delivery's latest claims in a row were lost without it being known whether their attempt had begun. The error of the last
 * one says so. They do not count as attempts that were used. But they count towards `maxAttempts` until the delivery has another
 * outcome, so that it is never begun more often than its handler allows.
 */
export function lostOf(job: string): string {
  const lost = `${job}.output #>> '{-1,lost}'`
  return `case when ${lost} ~ '^\\d{1,6}$' then (${lost})::integer else 0 end`
}

/** SQL: whether the last claim of a delivery was lost, and the delivery has had no other outcome since. */
export function wasLost(job: string): string {
  return `coalesce(${job}.output -> -1 ? 'lost', false)`
}

/**
 * SQL: the number of a running delivery's claim, made of the count of claims before it and the microsecond of the minute in which it
 * was made. The count alone would do if every claim were on the disk before its handler runs. But a crash of the server may undo a
 * claim. Its worker then has the same count as the next claim, and either could end the other's attempt.
 */
export function claimOf(job: string): string {
  return `(${job}.retry_count * 60000000::bigint + date_part('microseconds', ${job}.started_on)::bigint)`
}

/**
 * SQL: whether a row with the right claim may still be ended by it. It may if it is active, or if it was taken over and waits to be
 * claimed again, which recovery shows by leaving the heartbeat. So a late settle counts: the attempt has run, and to run it once more
 * would gain nothing. The fence stays as tight as it was. The next claim raises the count or has another microsecond, so the row has
 * this claim's number only until another claim is made. Settle and claim lock the row, so the second one sees what the first
 * did. A claim that was ended by its own settle (a retry, a snooze) leaves no heartbeat. So a settle that is sent twice, because its
 * answer was lost, is applied once.
 */
export function isClaimed(job: string): string {
  return `(${job}.state::text = 'active' or ${job}.state::text = 'retry' and ${job}.heartbeat_on is not null)`
}
