/** What doctor says about pauses: which handlers and queues are paused, and how many keys. */
import type { DoctorFinding } from '../../../deliveries/operations.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** No more handlers and queues than these are named. */
const MOST_NAMED = 5

export async function examinePauses(database: Queryable, tables: Tables): Promise<DoctorFinding> {
  const { rows } = await database.query<{ count: number; keys: number; named: string[] | null }>(
    `select count(*)::integer as count, (count(*) filter (where one.kind = 'lane'))::integer as keys,
      array_agg(one.kind || ' ' || one.name || ' since ' || to_char(one.paused_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
        || coalesce(' by ' || one.by, '') || coalesce(': ' || one.reason, '') order by one.kind, one.name)
        filter (where one.kind <> 'lane') as named
    from ${tables.pause} one where one.until > clock_timestamp()`,
  )
  const { count = 0, keys = 0, named } = rows[0] ?? {}
  if (count === 0) return { check: 'pauses', status: 'ok', message: 'nothing is paused' }
  const some = (named ?? []).slice(0, MOST_NAMED)
  if (count - keys > MOST_NAMED) some.push(`${count - keys - MOST_NAMED} more handlers and queues`)
  if (keys > 0) some.push(`${keys.toLocaleString('en')} ${keys === 1 ? 'key' : 'keys'}`)
  const message = `paused: ${some.join('; ')}. What they should handle waits. See: npx postbus pause list`
  return { check: 'pauses', status: 'warning', message }
}
