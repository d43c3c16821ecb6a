/** Notes which events were erased, for the streams of an engine that still hold them. */
import type { Queryable } from '../connection.ts'
import type { Tables } from '../schema/tables.ts'

export async function noteErased(
  within: Queryable,
  { logErasure, logStream }: Tables,
  seqs: readonly string[],
): Promise<void> {
  await within.query(
    `insert into ${logErasure} (stream, seq) select one.stream, seq from ${logStream} one cross join unnest($1::bigint[]) seq on conflict do nothing`,
    [[...seqs]],
  )
}
