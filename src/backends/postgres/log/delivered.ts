/**
 * Finds the events that have a delivery although their handler reads the log. During a change of mode some publishers write one and some
 * do not. A delivery is committed with its event. If it has ended since, it is found in the history or among the dead letters.
 */
import type { Delivered, LogEvent } from '../../../deliveries/log-reading.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import type { Queryable } from '../connection.ts'
import { handlerHash } from '../deliveries/handler-hash.ts'
import { byId, HELD } from '../functions/sql.ts'
import { storedNameOf } from '../record/log-reader.ts'
import type { Tables } from '../schema/tables.ts'

/** Returns a map by the events' numbers. It is one statement, so that a delivery which ends at this moment is found in one of the places. */
export async function deliveredOf(
  database: Queryable,
  tables: Tables,
  handler: AnyHandler,
  events: readonly LogEvent[],
): Promise<ReadonlyMap<number, Delivered>> {
  if (events.length === 0) return new Map()
  const { deadLetter, history, ownQueue } = tables
  const name = storedNameOf(handler)
  const id = `(lpad(to_hex(asked.seq), 16, '0') || $3::text)::uuid`
  const { rows } = await database.query<Delivered & { readonly number: number }>({
    name: 'log-delivered',
    text: `select asked.seq::float8 as number, found.* from unnest($1::bigint[]) as asked (seq) cross join lateral (
      select job.* from ${ownQueue} own cross join lateral (
        ${byId(tables, { queue: 'own.name', id }, `job.name as queue, job.id, job.state::text = 'retry' and job.start_after = ${HELD} as "isHeld"`)} offset 0
      ) job
      union all
      select null, ${id}, false where exists (
        select from ${history} done
        where done.seq = asked.seq and done.handler = (select one.number from ${tables.handler} one where one.name = $2)
      ) or exists (select from ${deadLetter} letter where letter.delivery_id = ${id})
    ) found`,
    values: [events.map(({ seq }) => seq), name, handlerHash(name)],
  })
  return new Map(rows.map(({ number, ...delivered }) => [number, delivered]))
}
