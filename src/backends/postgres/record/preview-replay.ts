/** Counts what a replay would do, without doing it. */
import type { CheckedLogFilter } from '../../../deliveries/log-filter.ts'
import type { ReplayPreview } from '../../../deliveries/replays.ts'
import type { AnyHandler } from '../../../handlers/handler.ts'
import type { Queryable } from '../connection.ts'
import { HANDLER } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { chosen, readsPayloads, type Choosing } from './choose.ts'
import { BATCH, storedNameOf } from './log-reader.ts'
import { filterValues, MATCHES, readLog } from './read-log.ts'

export interface Previewing {
  readonly choosing: Choosing
  readonly filter: CheckedLogFilter
  readonly upTo: bigint
}

export async function previewReplay(
  database: Queryable,
  tables: Tables,
  { choosing, filter, upTo }: Previewing,
): Promise<ReplayPreview> {
  const sum = { count: 0, retried: 0, skipped: 0, matching: 0 }
  const withPayload = readsPayloads(choosing)
  for (let after = 0n; after < upTo;) {
    const part = await readLog(database, tables, filter, { range: { after, upTo }, most: BATCH, withPayload })
    const seqs = chosen(part.events, choosing).map(({ seq }) => seq)
    const { pending, over } = await jobsOf(database, tables, choosing.handler, seqs)
    sum.matching += part.events.length
    sum.count += seqs.length - pending
    sum.retried += over
    sum.skipped += pending
    after = part.upTo
  }
  return sum
}

/** Counts the deliveries of this handler that wait or run, for the events that match. */
export async function countPending(
  database: Queryable,
  tables: Tables,
  { handler, query, upTo }: { readonly handler: AnyHandler; readonly query: CheckedLogFilter; readonly upTo: bigint },
): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::integer as count from ${tables.delivery} job
    join ${tables.event} event on event.seq = ${tables.seqOfDelivery}(job.id)
    where ${HANDLER} = $7 and ${PENDING} and event.seq > $1 and event.seq <= $2 and ${MATCHES}`,
    ['0', String(upTo), ...filterValues(query), storedNameOf(handler)],
  )
  return rows[0]?.count ?? 0
}

const PENDING = `job.state < 'completed' and not (job.state = 'retry' and job.start_after = 'infinity')`

async function jobsOf(database: Queryable, tables: Tables, handler: AnyHandler, seqs: readonly string[]) {
  const { rows } = await database.query<{ pending: number; over: number }>(
    `select count(*) filter (where ${PENDING})::integer as pending, count(*) filter (where not (${PENDING}))::integer as over
    from ${tables.ownQueue} own join ${tables.delivery} job on job.name = own.name
      and job.id >= (lpad(to_hex($3::bigint), 16, '0') || repeat('0', 16))::uuid
      and job.id <= (lpad(to_hex($4::bigint), 16, '0') || repeat('f', 16))::uuid
    where ${HANDLER} = $1 and ${tables.seqOfDelivery}(job.id) = any($2::bigint[])`,
    [storedNameOf(handler), seqs, seqs[0] ?? 0, seqs.at(-1) ?? 0],
  )
  return rows[0] ?? { pending: 0, over: 0 }
}
