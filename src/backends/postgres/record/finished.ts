/** What a finisher needs: how its event's deliveries ended, and a sweep that makes it due when no settle has seen the end. */
import type { EndedDelivery } from '../../../events/event-type.ts'
import { PLAIN_NAMES } from '../../../handlers/stored-names.ts'
import { goesOn } from '../../../record/event-status.ts'
import type { Queryable } from '../connection.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { deliveriesOf } from './statuses.ts'

/** The handlers have their stored names. */
export async function endedDeliveries(
  database: Queryable,
  tables: Tables,
  seq: string,
): Promise<readonly EndedDelivery[]> {
  const found = await deliveriesOf(database, tables, { seqs: [seq], names: PLAIN_NAMES })
  return (found.get(seq)?.deliveries ?? [])
    .filter(({ state }) => !goesOn(state))
    .map(({ handler, state, reason }) => ({ handler, state, reason }) as EndedDelivery) // a state that does not go on is final
}

/** Looks at some events after this seq. Returns the seq to go on from; `null`: there are no more. */
export async function sweepFinished(database: Queryable, tables: Tables, after: string): Promise<string | null> {
  const { rows } = await database.query<{ next: string | null }>(
    `select ${functionName(tables, 'finish_sweep')}($1::bigint)::text as next`,
    [after],
  )
  return rows[0]?.next ?? null
}
