/** Doctor's check of an engine's streams: whether a worker fills them, and whether erased events are erased there too. */
import type { DoctorFinding } from '../../../deliveries/operations.ts'
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

/** A stream is reported when no worker has filled it for this long. */
const SILENT_SECONDS = 30

interface StreamRow {
  readonly stream: string
  readonly behind: number
  readonly erased: number
  readonly silent: number
}

/** Returns nothing if there are no streams. */
export async function examineStreams(
  database: Queryable,
  { event, logErasure, logStream }: Tables,
): Promise<readonly DoctorFinding[]> {
  const { rows } = await database.query<StreamRow>(
    `select one.stream, (select count(*) from ${event} event where event.seq > coalesce(one.position, 0))::float8 as behind,
      (select count(*) from ${logErasure} erasure where erasure.stream = one.stream)::float8 as erased,
      extract(epoch from clock_timestamp() - one.seen_at)::float8 as silent
    from ${logStream} one order by one.stream`,
  )
  return rows.map((row) => ({ check: 'engine', ...findingOf(row, logStream) }))
}

function findingOf(
  { stream, behind, erased, silent }: StreamRow,
  logStream: string,
): Pick<DoctorFinding, 'status' | 'message'> {
  const events = `${behind.toLocaleString('en')} events behind the log`
  const isLeft = silent > SILENT_SECONDS && (behind > 0 || erased > 0)
  if (!isLeft) return { status: 'ok', message: `stream "${stream}" is ${events}` }
  const minutes = Math.max(1, Math.round(silent / 60)).toLocaleString('en')
  const held = erased > 0 ? `, and it may hold ${erased.toLocaleString('en')} events that were erased here` : ''
  return {
    status: 'warning',
    message: `no worker has filled stream "${stream}" for ${minutes} min: it is ${events}${held}. Start a worker with the engine. If the stream is no longer used, delete it, and its row: delete from ${logStream} where stream = '${stream}'`,
  }
}
