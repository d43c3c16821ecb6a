/** Retention: events that nobody needs any more are deleted. What the database does then is in `migrations/0006-pruning.ts`. */
import type { Pruned, Pruning } from '../../backend.ts'
import type { Queryable } from './connection.ts'
import type { Tables } from './tables.ts'

/** Few enough that the rows of one call are locked for some hundredths of a second. */
const BATCH = 1_000
/** What had to stay is looked at again after a tenth of the retention, and at least this often. */
const LOOK_AGAIN_MS = 3_600_000

export async function pruneEvents(
  database: Queryable,
  tables: Tables,
  { retentionMs, everyMs }: Pruning,
): Promise<Pruned> {
  const { rows } = await database.query<{ pruned: number; more: boolean }>(
    `select pruned, more from ${tables.prune}(
      $1::float8 * interval '1 ms', ${BATCH}, $2::float8 * interval '1 ms', $3::float8 * interval '1 ms'
    )`,
    [retentionMs, everyMs, Math.min(LOOK_AGAIN_MS, retentionMs / 10)],
  )
  return { events: rows[0]?.pruned ?? 0, more: rows[0]?.more ?? false }
}
