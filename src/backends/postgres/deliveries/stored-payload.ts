/** The data of one event, for a handler that was claimed without it. */
import type { StoredEvent } from '../../../deliveries/delivery.ts'
import type { Queryable } from '../connection.ts'
import { PAYLOAD } from '../functions/sizes.ts'
import type { Tables } from '../schema/tables.ts'

/** `null` when the event is gone. The id is compared too, because a restored database may give the same number to another event. */
export async function storedPayload(
  database: Queryable,
  { event }: Tables,
  { seq, id }: StoredEvent,
): Promise<string | null> {
  const { rows } = await database.query<{ payload: string }>({
    name: 'payload',
    text: `select ${PAYLOAD} as payload from ${event} event where event.seq = $1::text::bigint and event.id = $2::text::uuid`,
    values: [seq, id],
  })
  return rows[0]?.payload ?? null
}
