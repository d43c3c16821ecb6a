/** Reads a piece of the log, for all handlers of a worker at once. */
import type { LogEvent, LogPiece } from '../../../deliveries/log-reading.ts'
import type { Queryable } from '../connection.ts'
import { queryClaimed, storedEvent } from '../deliveries/claimed-row.ts'
import { PAYLOAD } from '../functions/sizes.ts'
import { REST } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

/** The number of different hashes: enough for any number of shards, and small enough for an integer. */
const HASHES = 65_536

/** SQL: the hash of a key. */
export function hashOf(key: string): string {
  return `(hashtextextended(${key}, 0) & ${HASHES - 1})::integer`
}

/** SQL: the hash of an event's key, or of its id if it has no key. */
export function hashOfEvent(event: string): string {
  return hashOf(`coalesce(${event}.partition_key, ${event}.id::text)`)
}

/** SQL: `rest`, marked if the event is expired or early. The database's clock decides, as for a claim. */
const restAt = ({ clock }: Tables) =>
  `case when event.expires_at is not null and event.expires_at <= ${clock} then (coalesce(one.rest, '{}')::jsonb || '{"is_expired": true}')::text
      when event.due_at > ${clock} and event.due_at < 'infinity' then (one.rest::jsonb || '{"is_early": true}')::text else one.rest end`

export async function readPiece(
  database: Queryable,
  tables: Tables,
  { after, upTo, most, shards, types }: LogPiece,
): Promise<readonly LogEvent[]> {
  const ofShards = shards ? `and ${hashOfEvent('event')} % $4::integer = any($5::integer[])` : ''
  const ofTypes = types ? `and event.type = any($${shards ? 6 : 4}::text[])` : ''
  return events(
    database,
    {
      name: `log-read${shards ? '-shards' : ''}${types ? '-types' : ''}`,
      text: `${selectEvents(tables)}
      where event.seq > $1::bigint and event.seq <= $2::bigint ${ofShards} ${ofTypes} order by event.seq limit $3::integer`,
    },
    [after, upTo, most, ...(shards ? [shards.of, shards.wanted] : []), ...(types ? [types] : [])],
  )
}

export function eventsNumbered(
  database: Queryable,
  tables: Tables,
  seqs: readonly string[],
): Promise<readonly LogEvent[]> {
  const statement = {
    name: 'log-numbered',
    text: `${selectEvents(tables)} where event.seq = any($1::bigint[]) order by event.seq`,
  }
  return events(database, statement, [seqs])
}

function selectEvents(tables: Tables): string {
  return `select event.seq, event.id as event_id, event.type, event.version, event.partition_key, ${PAYLOAD} as payload,
        event.correlation_id, event.causation_id, event.source, event.metadata::text as metadata, event.occurred_at, event.expires_at,
        ${restAt(tables)} as rest, ${hashOfEvent('event')} as hash, extract(epoch from event.published_at) * 1000 as published_at
      from ${tables.event} event cross join lateral (select ${REST}) one`
}

async function events(
  database: Queryable,
  statement: { readonly name: string; readonly text: string },
  values: readonly unknown[],
): Promise<readonly LogEvent[]> {
  const { rows, at } = await queryClaimed<'hash' | 'published_at'>(database, statement, values)
  return rows.map((row) => ({
    ...storedEvent(row, at),
    number: Number(row[at.seq]),
    hash: Number(row[at.hash]),
    publishedAt: Number(row[at.published_at]),
  }))
}
