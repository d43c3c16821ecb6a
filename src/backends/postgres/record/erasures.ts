/** Lists erased events in `log_erasure`, so that the relay erases them in its stream too. */
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
