/** Lists and counts open dead letters for an operator. */
import type { CheckedDeadLetterQuery, DeadLetter, DeadLetterPage } from '../../../deliveries/dead-letters.ts'
import { pageOf, placeOf } from '../../../deliveries/page.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'
import type { StoredFilter } from './names-asked-for.ts'

/** Open dead letters, oldest first. */
export async function listDeadLetters(
  database: Queryable,
  tables: Tables,
  { cursor: given, limit, ...filter }: StoredFilter & Pick<CheckedDeadLetterQuery, 'cursor' | 'limit'>,
): Promise<DeadLetterPage> {
  const after = placeOf('deadLetters', given)
  const { rows } = await database.query<DeadLetter & { readonly micros: string }>(
    `select delivery_id as "deliveryId", queue, handler, event_id as "eventId", event_type as "eventType",
      partition_key as "partitionKey", reason, attempts, blocks_key as "blocksKey", died_at as "diedAt",
      (extract(epoch from died_at) * 1000000)::bigint::text as micros
    from ${tables.deadLetter}
    where ${OPEN_AND_MATCHING} and (
      $5::bigint is null
      or (died_at, delivery_id) > (timestamptz 'epoch' + $5::bigint * interval '1 microsecond', $6::uuid)
    )
    order by died_at, delivery_id
    limit $7`,
    [...filterValues(filter), after?.micros ?? null, after?.deliveryId ?? null, limit + 1],
  )
  const placed = rows.map(({ micros, ...letter }) => ({
    value: letter,
    place: { rank: 0, micros, deliveryId: letter.deliveryId },
  }))
  const { values: deadLetters, cursor } = pageOf('deadLetters', placed, limit)
  return { deadLetters, cursor }
}

export async function countDeadLetters(
  database: Queryable,
  tables: Tables,
  filter: StoredFilter,
  { blocking = false } = {},
): Promise<number> {
  const { rows } = await database.query<{ count: string }>(
    `select count(*) from ${tables.deadLetter} where ${OPEN_AND_MATCHING} ${blocking ? 'and blocks_key' : ''}`,
    filterValues(filter),
  )
  return Number(rows[0]?.count ?? 0)
}

/** A condition that uses `filterValues` as $1 to $4. */
export const OPEN_AND_MATCHING = `dismissed_at is null
      and ($1::uuid[] is null or delivery_id = any($1))
      and ($2::text[] is null or handler = any($2))
      and ($3::text[] is null or event_type = any($3))
      and ($4::text is null or attempts -> -1 ->> 'code' = $4 or starts_with(attempts -> -1 ->> 'message', $4 || ':'))`

export function filterValues(filter: StoredFilter): unknown[] {
  return [filter.deliveryIds ?? null, filter.handlers ?? null, filter.eventTypes ?? null, filter.error ?? null]
}
