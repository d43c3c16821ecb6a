/** Counts how attempts ended, by handler and minute: workers add to the counts and delete old ones, and `bus.rates` reads them. */
import type { HandlerCounts } from '../../../deliveries/delivery-store.ts'
import type { Queryable } from '../connection.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

const KEPT = `interval '7 days'`
const COUNTS = ['done', 'skipped', 'expired', 'failed', 'dead', 'snoozed'] as const

/** Writes rows in the order of the handlers' numbers, so that two workers cannot deadlock. */
export async function countMinute(
  database: Queryable,
  tables: Tables,
  counts: readonly HandlerCounts[],
): Promise<void> {
  const { handler, handlerMinute } = tables
  const added = (column: string) => `${column} = one.${column} + excluded.${column}`
  const addedUp = (column: string) => `${column} = array(
      select coalesce(had, 0) + coalesce(has, 0)
      from unnest(one.${column}, excluded.${column}) with ordinality as bucket (had, has, place) order by place
    )`
  const number = `coalesce(
        (select known.number from ${handler} known where known.name = counted.handler), ${functionName(tables, 'handler_number')}(counted.handler)
      )`
  const known = COUNTS.map((column) => `"${column}" integer`).join(', ')
  await database.query(
    `insert into ${handlerMinute} as one (minute, handler, ${COUNTS.join(', ')}, run_ms, latency_ms)
    select date_trunc('minute', clock_timestamp()), numbered.number, ${COUNTS.join(', ')}, "runMs", "latencyMs"
    from (
      select ${number} as number, counted.*
      from jsonb_to_recordset($1::jsonb) as counted (handler text, ${known}, "runMs" integer[], "latencyMs" integer[])
      order by 1
    ) numbered
    on conflict (minute, handler) do update set
      ${[...COUNTS.map(added), addedUp('run_ms'), addedUp('latency_ms')].join(', ')}`,
    [JSON.stringify(counts)],
  )
  await database.query(`delete from ${handlerMinute} where minute < now() - ${KEPT}`)
}
