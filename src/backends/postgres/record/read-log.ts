/**
 * Reads the log of events in order of seq, some at a time. The log has no index but its order, so events that do not match are stepped
 * over, up to a limit for each statement.
 */
import { patternSource, type CheckedLogFilter } from '../../../deliveries/log-filter.ts'
import type { StoredEvent } from '../../../deliveries/delivery.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** To step over this many events takes some tens of milliseconds. */
const STEPPED_OVER = 20_000
/** The limit for the stored bytes of payloads in one part. The last payload may exceed it. */
const MOST_BYTES = 8_388_608

/** A part of the log: what comes after one seq, up to another. */
export interface LogRange {
  readonly after: bigint
  readonly upTo: bigint
}

export interface ReadEvent extends StoredEvent {
  readonly payload: string
  readonly publishedAt: string
  /** Times to the microsecond, which a `Date` cannot hold. */
  readonly exact: {
    readonly occurredAt: string
    readonly expiresAt: string | null
    readonly retainedUntil: string | null
  }
}

export interface LogPart {
  readonly events: readonly ReadEvent[]
  /** How far this part goes: the place to go on from. */
  readonly upTo: bigint
}

/** The next events that match, at most `most`. Without `withPayload` payloads and metadata are left out, and cost nothing. */
export async function readLog(
  database: Queryable,
  tables: Tables,
  filter: CheckedLogFilter,
  { range, most, withPayload }: { readonly range: LogRange; readonly most: number; readonly withPayload: boolean },
): Promise<LogPart> {
  const { rows } = await database.query<{ upTo: string; event: ReadRow | null }>(
    `with span as (
      select coalesce(max(one.seq), $2::bigint) as last, count(*) as count from (
        select event.seq from ${tables.event} event where event.seq > $1 and event.seq <= $2 order by event.seq limit ${STEPPED_OVER}
      ) one
    ), matching as (
      select event.*, row_number() over before as number,
        ${withPayload ? 'sum(pg_column_size(event.payload)) over before - pg_column_size(event.payload)' : '0'} as bytes_before
      from (
        select * from ${tables.event} event, span
        where event.seq > $1 and event.seq <= span.last and ${MATCHES} order by event.seq limit $7
      ) event
      window before as (order by event.seq)
    ), fitting as (
      select * from matching where bytes_before < ${MOST_BYTES}
    )
    select
      (case
        when (select count(*) from fitting) = $7 or (select count(*) from fitting) < (select count(*) from matching)
          then (select max(seq) from fitting)
        when span.count < ${STEPPED_OVER} then $2::bigint
        else span.last
      end)::text as "upTo", fitting.event
    from span left join (select seq, ${asRow(withPayload)} as event from fitting) fitting on true
    order by fitting.seq`,
    [String(range.after), String(range.upTo), ...filterValues(filter), most],
  )
  const events = rows.flatMap(({ event }) => (event ? [readEvent(event)] : []))
  return { events, upTo: BigInt(rows[0]?.upTo ?? range.upTo) }
}

/** Counts the events in a part of the log that match. */
export async function countLog(
  database: Queryable,
  tables: Tables,
  filter: CheckedLogFilter,
  { after, upTo }: LogRange,
): Promise<number> {
  const { rows } = await database.query<{ count: string }>(
    `select count(*) as count from ${tables.event} event where event.seq > $1 and event.seq <= $2 and ${MATCHES}`,
    [String(after), String(upTo), ...filterValues(filter)],
  )
  return Number(rows[0]?.count ?? 0)
}

/** A condition that uses `filterValues` as $3 to $6, after two other values. */
export const MATCHES = `($3::text[] is null or event.type ~ any($3::text[]))
          and ($4::timestamptz is null or event.published_at >= $4)
          and ($5::timestamptz is null or event.published_at < $5)
          and ($6::text[] is null or event.partition_key = any($6::text[]))`

export function filterValues({ types, since, until, partitionKeys }: CheckedLogFilter): unknown[] {
  const time = (date: Date | undefined) => date?.toISOString() ?? null
  return [types?.map(patternSource) ?? null, time(since), time(until), partitionKeys ?? null]
}

type ReadRow = Omit<ReadEvent, 'occurredAt' | 'expiresAt' | 'exact'> & {
  readonly occurredAt: string
  readonly expiresAt: string | null
  readonly retainedUntil: string | null
}

/** A time in UTC, to the microsecond, as text that does not depend on settings of the session. */
const TIME = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** SQL for an event as one value, so that it is null only when there is no event. */
function asRow(withPayload: boolean): string {
  const payload = withPayload ? 'payload::text' : `''`
  const metadata = withPayload ? 'metadata::text' : 'null'
  return `json_build_object('seq', seq::text, 'id', id, 'type', type, 'version', version, 'partitionKey', partition_key,
        'payload', ${payload}, 'correlationId', correlation_id, 'causationId', causation_id, 'source', source, 'metadata', ${metadata},
        'occurredAt', ${TIME('occurred_at')}, 'expiresAt', ${TIME('expires_at')},
        'retainedUntil', ${TIME('retained_until')}, 'publishedAt', ${TIME('published_at')},
        'rest', case when caused_by_handler is not null or initialized_at is not null or redacted is not null then json_build_object(
          'caused_by_handler', caused_by_handler, 'initialized_at', ${TIME('initialized_at')}, 'redacted', redacted)::text end)`
}

function readEvent({ occurredAt, expiresAt, retainedUntil, ...row }: ReadRow): ReadEvent {
  return {
    ...row,
    occurredAt: new Date(occurredAt),
    expiresAt: expiresAt === null ? null : new Date(expiresAt),
    exact: { occurredAt, expiresAt, retainedUntil },
  }
}
