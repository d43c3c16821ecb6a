/** Settling: ending attempts, a group of them in one round trip. What the database does then is in `functions/settle.ts`. */
import { NOTHING_SETTLED, type Settled, type Settlement } from '../../../deliveries/delivery.ts'
import { isPartitionedQueue } from '../../../names.ts'
import { queryClaimed } from './claimed-row.ts'
import type { Queryable } from '../connection.ts'
import { withoutWaiting } from './durability.ts'
import { functionName } from '../functions/sql.ts'
import type { Tables } from '../schema/tables.ts'
import { arrayOf, othersOf } from './settlement-values.ts'
import { settleLanes } from './settle-lanes.ts'

export async function settleDeliveries(
  database: Queryable,
  tables: Tables,
  queue: string,
  settlements: readonly Settlement[],
): Promise<Settled> {
  if (settlements.length === 0) return NOTHING_SETTLED
  return isPartitionedQueue(queue)
    ? settleLanes(database, tables, queue, settlements)
    : settlePlain(database, tables, queue, settlements)
}

async function settlePlain(
  database: Queryable,
  tables: Tables,
  queue: string,
  settlements: readonly Settlement[],
): Promise<Settled> {
  const done = settlements.filter(({ is }) => is === 'done')
  const values = [
    queue,
    arrayOf(done.map(({ delivery }) => delivery.id)),
    arrayOf(done.map(({ delivery }) => delivery.claim)),
    othersOf(settlements, false),
  ]
  // As text, which every client sends as it is: a test's drain runs this on the transaction of any of them.
  const call = `${functionName(tables, 'settle_2')}($1, $2::text::uuid[], $3::text::bigint[], $4::jsonb)`
  const statement = settlements.some(({ is }) => is === 'dead')
    ? { name: 'settle_2_dead', text: `select * from ${call}` }
    : { name: 'settle_2', text: withoutWaiting(call) }
  const { rows, at } = await queryClaimed<'settled'>(database, statement, values)
  // One row without an id stands for all of them.
  const areAll = rows.length === 1 && rows[0]?.[at.settled] === null
  const ours = areAll ? settlements.map(({ delivery }) => delivery.id) : rows.map((row) => String(row[at.settled]))
  return { ...NOTHING_SETTLED, ours: new Set(ours) }
}
