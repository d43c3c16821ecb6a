/** Retention: deletes events that are no longer needed. The SQL for this is in `functions/prune.ts` and `functions/history.ts`. */
import type { Pruned, Pruning } from '../../../deliveries/delivery-store.ts'
import type { Queryable } from '../connection.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'

/** Events per call: few enough that their rows are locked only for some hundredths of a second. */
const BATCH = 1_000
/** Events that had to stay are checked again after a tenth of the retention, and at least this often. */
const LOOK_AGAIN_MS = 3_600_000
/** A delay up to this long is tolerated: a deploy or an outage may cause it. */
const TOLERATED_MS = 600_000

export async function pruneEvents(
  database: Queryable,
  tables: Tables,
  { retentionMs, everyMs }: Pruning,
): Promise<Pruned> {
  const { rows } = await database.query<{ pruned: number; more: boolean }>(
    `select pruned, more from ${functionName(tables, 'prune')}(
      $1::float8 * interval '1 ms', ${BATCH}, $2::float8 * interval '1 ms', $3::float8 * interval '1 ms'
    )`,
    [retentionMs, everyMs, lookAgainMs(retentionMs)],
  )
  if (!rows[0]) return { events: 0, more: false } // another worker's turn
  const expired = await pruneExpired(database, tables)
  if (!rows[0].more) {
    await database.query(`select ${functionName(tables, 'turn_history')}($1::float8 * interval '1 ms')`, [retentionMs])
  }
  return {
    events: rows[0].pruned + expired.events,
    more: rows[0].more || expired.more,
  }
}

/** Prunes until nothing is left to prune. Returns the number of deleted events. Without a retention, it deletes only what `prune_expired` does. */
export async function pruneNow(database: Queryable, tables: Tables, retentionMs: number | null): Promise<number> {
  let count = 0
  for (;;) {
    const { events, more } =
      retentionMs === null
        ? await pruneExpired(database, tables)
        : await pruneEvents(database, tables, { retentionMs, everyMs: 0 })
    count += events
    if (!more) return count
  }
}

async function pruneExpired(database: Queryable, tables: Tables): Promise<Pruned> {
  const { rows } = await database.query<{ pruned: number; more: boolean }>(
    `select pruned, more from ${functionName(tables, 'prune_expired')}(${BATCH})`,
  )
  return { events: rows[0]?.pruned ?? 0, more: rows[0]?.more ?? false }
}

/** Counts the events that would be deleted now. It only reads, and checks each event by itself. */
export async function countPrunable(database: Queryable, tables: Tables, retentionMs: number | null): Promise<number> {
  const { deadLetter, delivery, event, history, ownQueue } = tables
  const id = (end: string) => `(lpad(to_hex(event.seq), 16, '0') || repeat('${end}', 16))::uuid`
  const ofIt = (column: string) => `${column} >= ${id('0')} and ${column} <= ${id('f')}`
  const { rows } = await database.query<{ count: string }>(
    `select count(*) from (
      select event.seq, coalesce(event.expires_at < now(), false) or coalesce(event.retained_until < now(), false) as is_expired
      from ${event} event
      where event.expires_at < now() or event.retained_until < now()
        or event.published_at < now() - $1::float8 * interval '1 ms' and event.retained_until is null
    ) event
    where not exists (
      select from ${ownQueue} own cross join lateral (
        select from ${delivery} job where job.name = own.name and ${ofIt('job.id')} and (
          job.state < 'completed' or not event.is_expired
            and greatest(job.created_on, job.started_on, job.completed_on) >= now() - $1::float8 * interval '1 ms'
        ) limit 1
      ) one
    ) and not exists (
      select from ${deadLetter} letter where ${ofIt('letter.delivery_id')} and (
        letter.dismissed_at is null or not event.is_expired and letter.dismissed_at >= now() - $1::float8 * interval '1 ms'
      )
    ) and (event.is_expired or not exists (
      select from ${history} done where done.seq = event.seq and done.ended_at >= now() - $1::float8 * interval '1 ms'
    ))`,
    [retentionMs],
  )
  return Number(rows[0]?.count ?? 0)
}

/** Says in words how late pruning is, if an event should have been pruned long ago; `null` when it is not late. */
export async function pruningLag(database: Queryable, tables: Tables, retentionMs: number): Promise<string | null> {
  const late = lookAgainMs(retentionMs) * 2 + TOLERATED_MS
  const { rows } = await database.query<{ quietMs: number; roundMs: number }>(
    `select extract(epoch from now() - pruned_at)::float8 * 1000 as "quietMs",
      extract(epoch from now() - began_at)::float8 * 1000 as "roundMs"
    from ${tables.pruning}
    where (select published_at from ${tables.event} order by seq limit 1) < now() - $1::float8 * interval '1 ms'`,
    [retentionMs + late],
  )
  const { quietMs = 0, roundMs = 0 } = rows[0] ?? {}
  if (quietMs > TOLERATED_MS) return `nothing has been pruned for ${minutes(quietMs)}`
  return roundMs > late ? `pruning has not come round for ${minutes(roundMs)}` : null
}

function lookAgainMs(retentionMs: number): number {
  return Math.min(LOOK_AGAIN_MS, retentionMs / 10)
}

function minutes(ms: number): string {
  return `${Math.round(ms / 60_000).toLocaleString('en')} min`
}
